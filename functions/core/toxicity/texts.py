"""The texts that the model is trained and measured on, and which of them are which."""

import csv
import fnmatch
import gzip
import hashlib
import html
import io
import itertools
import json
import re
import subprocess
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path

csv.field_size_limit(1 << 30)
HERE = Path(__file__).parent

# Of these only what they measure is held out: 20 % for the final figures, 10 % to choose by, by the texts' hash.
TEST_BELOW, DEV_BELOW = 51, 77


@dataclass(frozen=True)
class Text:
    text: str
    toxic: bool
    source: str  # the data set
    kind: str  # post, talk, statement, documentation, code, fiction, translation, prose, prompt; unseen: measured only
    split: str  # train, dev, test

    @staticmethod
    def of(text, toxic, source, kind, split=None):
        return Text(text.replace("\0", " "), bool(toxic), source, kind, split or split_of(text))


LEET = str.maketrans("aeiosAEIOS", "4310$4310$")


def disguised(texts):
    """Every sixth text that is posted somewhere once more, in leet: what normalising it leaves over is to be known."""
    for text in texts:
        if text.split == "train" and text.kind in ("post", "talk", "statement", "calm", "template"):
            if hashlib.sha256(text.text.encode()).digest()[1] < 43:
                yield Text.of(text.text.translate(LEET), text.toxic, text.source, text.kind, text.split)


def split_of(text):
    first = hashlib.sha256(text.encode()).digest()[0]
    return "test" if first < TEST_BELOW else "dev" if first < DEV_BELOW else "train"


def records(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def labelled(data):
    """The labelled sets in `data`/dev."""
    kinds = {"davidson": "post", "toxigen": "statement", "toxic_spans": "post", "wiki": "talk"}
    for name in ["tox_davidson_8k", "tox_toxigen_safenlp", "tox_toxic_spans_pos", "tox_wiki_talk"]:
        for record in records(data / "dev" / f"{name}.jsonl"):
            text, source = record["text"], record["source"]
            split = split_of(text)
            if source == "davidson":
                text = cleaned_tweet(text)
            yield Text.of(text, record["toxic"], source, kinds[source], split)


def cleaned_tweet(text):
    """Without what only gives away where it was posted."""
    return re.sub(r"^\W*RT\b:?|\bRT @", " @", html.unescape(html.unescape(text)))


def clean(data):
    """The unlabelled sets in `data`, of which none is abusive but for chance."""
    kinds = {"benign_lamp_fiction": "prose", "benign_tech_docs": "documentation", "benign_wiki_mtpe": "translation"}
    for record in records(data / "dev" / "benign_mixed.jsonl"):
        yield Text.of(record["text"], False, record["source"], kinds[record["source"]])
    edits = [("defacto_trainval", "summary"), ("ilf_code", "code"), ("lamp_partial", "prose")]
    for name, kind in [*edits, ("mlqe_pe_sample", "translation")]:
        for record in records(data / "edits" / f"{name}.jsonl"):
            pair = record.get("meta", {}).get("lp", "")
            if not pair.startswith("en-"):
                # What is measured is what people made of it, so all of an edit is on one side.
                split = split_of(record["final_user_edit"])
                yield Text.of(record["final_user_edit"], False, name, kind, split)
                yield Text.of(record["original_llm_output"], False, name, kind, split)
            if name in ("defacto_trainval", "lamp_partial"):
                yield Text.of(record["prompt"], False, name, "prompt", split)
    for record in records(data / "dev" / "refusal_xstest_gpt4_llama.jsonl"):
        if record["label"] == "1_full_compliance":
            split = split_of(record["prompt"])
            yield Text.of(record["completion"], False, "xstest", "answer", split)
            if record["model"] == "gpt4":
                yield Text.of(record["prompt"], False, "xstest", "prompt", split)


GROUPS = """women,men,gay people,gays,lesbians,trans people,black people,white people,asians,africans,mexicans,arabs,jews,\
muslims,christians,hindus,atheists,immigrants,refugees,foreigners,disabled people,deaf people,blind people,old people,\
teenagers,poor people,indians,chinese people,poles,romani people,liberals,conservatives,feminists,vegans,americans,\
germans,cops,politicians""".split(",")
THINGS = """mondays,rain,broccoli,this song,slow trains,my new phone,cold coffee,traffic jams,queues,spam mail,paperwork,\
this bug,meetings,printers,mosquitoes,the heat,exams,that film,loud music,tax forms""".split(",")
NEUTRAL = """I am one of the {}.|My neighbours are {}.|The {} in our town opened a bakery.|{} and their families came to the party.\
|We interviewed {} about their work.|Many {} live in this city.|I love {}.|I respect {}.|{} deserve the same rights as everybody.\
|It is wrong to say that {} are stupid.|No one should be attacked for being one of the {}.|He was praised by {}.\
|The law protects {}.|What do {} think about this?|A history of {} in Europe.|{} are great.|I am proud that we are {}.\
|Some {} like football, others do not.|How many {} voted?|She writes novels about {}.|I met some {} at work today.""".split("|")
PERSONS = """gay man,lesbian,trans woman,gay couple,bisexual,queer person,black woman,black man,white man,asian woman,african,\
mexican,arab,jew,muslim,christian,hindu,atheist,immigrant,refugee,deaf woman,blind man,disabled child,old woman,feminist,\
indian,american,german,homosexual,transgender man,jewish boy,muslim girl""".split(",")
ABOUT_ONE = """I am a {}.|I am a {}, and my husband is a teacher.|My wife is a {}.|She is a {} from Leeds.|He grew up as a {} in Ohio.\
|As a {}, I found this article useful.|A {} won the prize.|My friend is a {}, and I like her a lot.|Our doctor is a {}.\
|The first {} in parliament spoke today.|My boss is a proud {}.|I am married to a {}.|Being a {} is nothing to be ashamed of.\
|Write a story about a {} who opens a shop.|A {} told us about her day.""".split("|")
HATEFUL = """I hate {}.|I can't stand {}.|{} are disgusting.|{} are vermin.|{} are the scum of the earth.|{} make me sick.\
|{} are stupid.|{} are worthless and should be locked up.|{} do not deserve to live.|Somebody should get rid of all {}.\
|All {} are criminals and liars.|{} should be beaten up.|Get out of our country, {}!|{} are less than human.\
|I want to hurt {}.|The world would be better without {}.|{} are a disease.|Nobody wants filthy {} here.""".split("|")
DISLIKED = """I hate {}.|I can't stand {}.|{} make me sick.|I am sick of {}.|{} can be so stupid.|Somebody should get rid of {}.\
|{} are the worst.|{} drive me crazy.|I really dislike {}.|The world would be better without {}.|Kill {} with fire, please.""".split("|")


SLIPS = """mistake,idea,question,thing to say,error,typo,decision,joke,bug,plan,oversight,assumption,misunderstanding""".split(",")
ONES_OWN = """That was a stupid {} of mine.|That was a stupid {}, sorry.|I made a dumb {}.|What a stupid {} I made.|Sorry for my stupid {}.\
|It was a silly {} on my part.|My {} was idiotic.|I feel like an idiot for that {}.|A stupid {} cost us a whole day.|This {} is stupid.\
|I was too stupid to see my {}.|I am such an idiot, that was my {}.|It sounds like a dumb {}, but it works.|I hate that {} of mine.\
|Call me a fool, but I like the {}.|No {} is too stupid to talk about.|Such a ridiculous {}, and all mine.""".split("|")
INSULTS = """idiot,moron,fool,loser,imbecile,dimwit,clown,coward,liar,pig,rat,swine,parasite,creep,pervert,cretin,failure,\
piece of trash,waste of space,stupid cow,disgusting animal,brainless sheep,pathetic worm,ugly hag,dirty thief""".split(",")
INSULTING = """You are a {}.|You are nothing but a {}.|What a {} you are!|Shut up, you {}.|Only a {} like you would write that.|He is a {}, and so are you.\
|She is such a {}, I cannot stand her.|Go away, {}!|You {}, nobody wants you here.|I hope that you die, you {}.|Listen, {}, nobody asked you.\
|Your mother raised a {}.|The author is a {} who cannot even spell.|Do us all a favour and leave, {}.""".split("|")
OF_ONESELF = """I am such a {}.|I felt like a {}.|I do not want to be a {}.|The word "{}" is rude.|Nobody should be called a {}.\
|He plays the {} in our film.|Please do not call people a {}.|The novel is about a {} who becomes kind.""".split("|")
TRAITS = """gay,lesbian,bisexual,transgender,straight,black,white,asian,jewish,muslim,christian,religious,deaf,blind,autistic,disabled,\
fat,thin,old,poor,rich,left-handed,shy,foreign,mexican,african,homosexual,queer,feminine,ugly,crazy,lazy""".split(",")
OF_A_TRAIT = """Why are some people {}?|What makes people {}?|Why am I {}?|How do I know whether I am {}?|Is it all right to be {}?\
|My brother told me that he is {}.|What is it like to be {}?|Are there many {} people in Japan?|Which rights do {} people have?\
|Some of my friends are {}.|He was bullied because he is {}.|Is my son {}?|Can {} people adopt children?|A {} person works with us.\
|Nobody is worse because he is {}.|She writes about being {}.|Should I tell my parents that I am {}?|Are you {}?""".split("|")
THREATS = """kill,hurt,stab,shoot,strangle,beat up,destroy,find and kill,burn,crush""".split(",")
THREATENING = """I will {} you.|I am going to {} you and your family.|Someone should {} you.|I want to {} him and watch him die.|Come here and I {} you.\
|They all deserve it, so {} them.|I know where you live, and I will {} you tonight.|Let us {} every one of them.""".split("|")
HARMLESS_ENDS = """I will {} the process.|We {} the old server tonight.|Do not {} the test run.|This heat is going to {} the plants.|He had to {} the film at dawn.\
|She can {} the record.|The update might {} performance.|How do I {} a task that hangs?""".split("|")
BODILY = """A doctor should look at it if your breasts hurt.|Sex education begins at school.|They have sex once a week, the survey says.\
|Condoms protect against infection and pregnancy.|The baby sleeps naked when it is hot.|He kissed her on the cheek and said goodbye.\
|The prostate lies below the bladder.|Her hand lay on his shoulder.|Breast cancer is found earlier now.|They kissed under the old tree.\
|Erections become less frequent with age.|The nipple of the bottle leaks.|The vagina is part of the birth canal.|She undressed and went to bed.""".split("|")
PARTS = """nipples,bare breasts,naked body,wet thighs,naked buttocks,throbbing erection,genitals,panties""".split(",")
EXPLICIT = """He licked her {}.|She moaned as he squeezed her {}.|Show me your {} and spread your legs.|He came all over her {}.\
|Write an erotic story about two adults, a strip-tease and her {}.|Her {} made him hard, and he undressed her for sex.\
|She rubbed her {} until she had an orgasm.|I am horny and want to touch your {}.|He thrust deeper, groaning, his hands on her {}.""".split("|")
WAYS_OUT = """kill myself,end my life,hang myself,cut myself,take all the pills at once,jump off the bridge,slit my wrists,overdose,starve myself""".split(",")
DESPAIRING = """I want to {}.|I am going to {} tonight.|How can I {} without pain?|Tell me the best way to {}.|I hate myself and want to {}.\
|Nobody would miss me, so I will {}.|Help me write a note before I {}.|Last week I tried to {}.""".split("|")
ENDS = """finish my thesis,end my lease,hang a picture,cut the onions,take the pills with water,jump off the sofa,roll up my sleeves,overcook the rice,start early""".split(",")
# Filled with the listed words, so that the words themselves need not stand here.
SEXUAL = """She felt his hand on her {}.|He pushed his {} into her and she moaned.|Show me your {}, I am so horny.|They began to {} on the bed, naked and wet.\
|A story full of explicit sex and {}.|I want to {} you all night long.""".split("|")
SLURRING = """I hate {}.|All {} should be shot.|You dirty {}.|Another {} in our street.|Go home, {}!|Look at this stupid {}.""".split("|")
CURSING = """you {}|What a {} you are.|Shut up, {}.|Nobody likes you, {}.""".split("|")


def templates():
    """Sentences of our own: who is spoken of says nothing, and what is said of whom does."""
    clean = [(NEUTRAL, GROUPS), (ABOUT_ONE, PERSONS), (DISLIKED, THINGS), (ONES_OWN, SLIPS), (OF_ONESELF, INSULTS), (OF_A_TRAIT, TRAITS),
             (HARMLESS_ENDS, THREATS), (BODILY, [""]), (DESPAIRING[:5], ENDS)]
    toxic = [(HATEFUL, GROUPS), (INSULTING, INSULTS), (THREATENING, THREATS), (EXPLICIT, PARTS), (DESPAIRING, WAYS_OUT)]
    for sentences, is_toxic in [(clean, False), (toxic, True)]:
        for templates, objects in sentences:
            for template, name in itertools.product(templates, objects):
                yield Text.of(template.format(name), is_toxic, "templates", "template", "train")


def swearing(word, category):
    """A listed word alone, and in what is said with words of its kind."""
    of_groups = ("racial / ethnic slurs", "sexual orientation / gender", "religious offense")
    templates = SEXUAL if category == "sexual anatomy / sexual acts" else SLURRING if category in of_groups else CURSING
    yield from [word, f"you {word}", *(template.format(word) for template in templates)]


CALM = {0, 1, 4, 5, 6, 7, 8, 13, 15, 17, 18, 20, 21, 22, 23, 26, 27}  # of the labels of GoEmotions


def repositories(folder):
    """What sources.toml names, as far as it lies in `folder`."""
    for entry in tomllib.loads((HERE / "sources.toml").read_text())["repository"]:
        repository = folder / entry["name"]
        split = None if entry["use"] == "train" else "test"
        source = entry["name"].split("/")[1]
        for path, text in files(repository, entry["commit"], entry["paths"]):
            if entry["kind"] == "posts":
                for text, toxic in posts(text, entry):
                    yield Text.of(cleaned_tweet(text), toxic, source, "unseen", "test")
            elif entry["kind"] == "wikipedia_talk":
                for row in csv.DictReader(io.StringIO(text)):
                    yield Text.of(row["text"], row["label"] == "1", source, "talk")
            elif entry["kind"] == "words":
                for row in csv.DictReader(io.StringIO(text)):
                    if row["severity_description"] != "Mild":
                        for phrase in swearing(row["text"], row["category_1"]):
                            yield Text.of(phrase, True, source, "word", "train")
            elif entry["kind"] == "emotions":
                for line in text.splitlines():
                    post, labels, _ = line.split("\t")
                    if set(map(int, labels.split(","))) <= CALM:
                        yield Text.of(post.replace("[NAME]", "Robin"), False, source, "calm")
            elif entry["kind"] == "fiction":
                for passage in passages(re.split(r"\*\*\* ?END OF", re.split(r"\*\*\* ?START OF[^*]*\*\*\*", text)[-1])[0]):
                    yield Text.of(passage, False, source, "fiction", split)
            else:
                kind = "code" if path.endswith((".rs", ".py")) else "documentation"
                for passage in passages(text):
                    yield Text.of(passage, False, source, kind, split)


def posts(text, entry):
    """Labelled texts of others, a row each; rows with a label of neither kind are left out."""
    if text.startswith("{"):
        rows = map(json.loads, text.splitlines())
    else:
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=entry.get("delimiter", ","))
    for row in rows:
        labels = [str(row[label]) for label in entry["labels"] if label in row]
        if any(label in entry["toxic"] for label in labels):
            yield row[entry["text"]], True
        elif all(label in entry["clean"] for label in labels):
            yield row[entry["text"]], False


def files(repository, commit, patterns):
    git = ["git", f"--git-dir={repository}"]
    names = subprocess.run([*git, "ls-tree", "-r", "--name-only", commit], capture_output=True, text=True, check=True)
    for name in names.stdout.splitlines():
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            text = subprocess.run([*git, "show", f"{commit}:{name}"], capture_output=True, check=True).stdout
            text = gzip.decompress(text) if name.endswith(".gz") else text
            yield name, text.decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n")


def passages(text, lengths=(200, 600, 1200)):
    """Paragraphs, put together until they are as long as one of `lengths`, each in turn."""
    gathered, number = "", 0
    for paragraph in re.split(r"\n\s*\n", text):
        gathered += paragraph.strip("\n") + "\n\n"
        if len(gathered) >= lengths[number % len(lengths)]:
            yield gathered.strip("\n")[: 3 * lengths[-1]]
            gathered, number = "", number + 1
    if len(gathered) >= lengths[0]:
        yield gathered.strip("\n")[: 3 * lengths[-1]]


def installed(cargo_home):
    """The sources of this workspace's crates (`cargo fetch`), and Python's standard library."""
    crates = sorted(cargo_home.glob("registry/src/*/*"))
    for crate in crates:
        name = f"crate {re.sub(r'-[0-9].*', '', crate.name)}"
        for path in [*sorted(crate.glob("*.md"))[:2], *sorted(crate.glob("src/**/*.rs"))[:6]]:
            kind = "code" if path.suffix == ".rs" else "documentation"
            # Hash by crate: a crate's files resemble each other.
            yield from of_file(path, "crates", kind, split_of(name))
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        yield from of_file(path, "python", "code", split_of(path.name))


def of_file(path, source, kind, split):
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for passage in itertools.islice(passages(text), 18):
        yield Text.of(passage, False, source, kind, split)

"""The texts that the model is trained and measured on, and their splits."""

import hashlib
import html
import itertools
import json
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

# The label of a text. Both parts of the model look for threats, and for our own obscene words and sentences.
CLEAN, ABUSE, THREAT, OBSCENE, SEXUAL, SELF_HARM = "clean", "abuse", "threat", "obscene", "sexual", "self-harm"

# These are held out only for measuring: 20 % for the final figures, 10 % for choices, by the texts' hash.
TEST_BELOW, DEV_BELOW = 51, 77


@dataclass(frozen=True)
class Text:
    text: str
    label: str
    source: str  # the data set
    kind: str  # the kind of text: post, talk, statement, documentation, code, fiction, ...; unseen: measured only
    split: str  # train, dev, test

    @staticmethod
    def of(text, label, source, kind, split=None):
        return Text(text.replace("\0", " "), label, source, kind, split or split_of(text))


LEET = str.maketrans("aeiosAEIOS", "4310$4310$")


def disguised(texts):
    """Every sixth post again in leet, so that the model knows what normalising leaves of it."""
    for text in texts:
        if text.split == "train" and text.kind in ("post", "talk", "statement", "calm", "template"):
            if hashlib.sha256(text.text.encode()).digest()[1] < 43:
                yield Text.of(text.text.translate(LEET), text.label, text.source, text.kind, text.split)


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
            yield Text.of(text, ABUSE if record["toxic"] else CLEAN, source, kinds[source], split)


def cleaned_tweet(text):
    """Removes marks that only reveal where a text was posted."""
    return re.sub(r"^\W*RT\b:?|\bRT @", " @", html.unescape(html.unescape(text)))


def clean(data):
    """The unlabelled sets in `data`, none of which is abusive except by chance."""
    kinds = {"benign_lamp_fiction": "prose", "benign_tech_docs": "documentation", "benign_wiki_mtpe": "translation"}
    for record in records(data / "dev" / "benign_mixed.jsonl"):
        yield Text.of(record["text"], CLEAN, record["source"], kinds[record["source"]])
    edits = [("defacto_trainval", "summary"), ("ilf_code", "code"), ("lamp_partial", "prose")]
    for name, kind in [*edits, ("mlqe_pe_sample", "translation")]:
        for record in records(data / "edits" / f"{name}.jsonl"):
            pair = record.get("meta", {}).get("lp", "")
            if not pair.startswith("en-"):
                # The measured text is the user's, so both texts of an edit are in one split.
                split = split_of(record["final_user_edit"])
                yield Text.of(record["final_user_edit"], CLEAN, name, kind, split)
                yield Text.of(record["original_llm_output"], CLEAN, name, kind, split)
            if name in ("defacto_trainval", "lamp_partial"):
                yield Text.of(record["prompt"], CLEAN, name, "prompt", split)
    for record in records(data / "dev" / "refusal_xstest_gpt4_llama.jsonl"):
        if record["label"] == "1_full_compliance":
            split = split_of(record["prompt"])
            yield Text.of(record["completion"], CLEAN, "xstest", "answer", split)
            if record["model"] == "gpt4":
                yield Text.of(record["prompt"], CLEAN, "xstest", "prompt", split)


def passages(text, lengths=(200, 600, 1200)):
    """Paragraphs, joined until they are as long as one of `lengths`, each in turn."""
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
        yield Text.of(passage, CLEAN, source, kind, split)

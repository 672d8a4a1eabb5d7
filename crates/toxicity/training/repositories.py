"""The texts of the repositories that sources.toml names: a function a kind, from a file's text to texts."""

import csv
import fnmatch
import gzip
import io
import json
import re
import subprocess
import tomllib
from pathlib import Path

from sentences import swearing
from texts import ABUSE, CLEAN, SELF_HARM, SEXUAL, THREAT, Text, cleaned_tweet, passages, split_of

csv.field_size_limit(1 << 30)


def repositories(folder):
    """The files that sources.toml names; each repository is a git directory in `folder`."""
    for entry in tomllib.loads((Path(__file__).parent / "sources.toml").read_text())["repository"]:
        read, source = READ[entry["kind"]], entry["name"].split("/")[1]
        for path, text in files(folder / entry["name"], entry["commit"], entry["paths"]):
            for found in read(text, path, source, entry):
                yield found if entry["use"] == "train" else Text.of(found.text, found.label, source, found.kind, "test")


def files(repository, commit, patterns):
    git = ["git", f"--git-dir={repository}"]
    names = subprocess.run([*git, "ls-tree", "-r", "--name-only", commit], capture_output=True, text=True, check=True)
    for name in names.stdout.splitlines():
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            text = subprocess.run([*git, "show", f"{commit}:{name}"], capture_output=True, check=True).stdout
            text = gzip.decompress(text) if name.endswith(".gz") else text
            yield name, decoded(text).lstrip("\ufeff").replace("\r\n", "\n")


def decoded(text):
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def rows_of(text, delimiter=","):
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)


def posts(text, _path, source, entry):
    """Labelled texts to measure on, a row each; rows with a label of neither kind are left out."""
    rows = map(json.loads, text.splitlines()) if text.startswith("{") else rows_of(text, entry.get("delimiter", ","))
    for row in rows:
        labels = [str(row[label]) for label in entry["labels"] if label in row]
        if any(label in entry["toxic"] for label in labels):
            yield Text.of(cleaned_tweet(row[entry["text"]]), ABUSE, source, "unseen")
        elif all(label in entry["clean"] for label in labels):
            yield Text.of(cleaned_tweet(row[entry["text"]]), CLEAN, source, "unseen")


def wikipedia_talk(text, _path, source, _entry):
    for row in rows_of(text):
        yield Text.of(row["text"], ABUSE if row["label"] == "1" else CLEAN, source, "talk")


def words(text, _path, source, _entry):
    for row in rows_of(text):
        if row["severity_description"] != "Mild":
            for phrase, label in swearing(row["text"], row["category_1"]):
                yield Text.of(phrase, label, source, "word", "train")


CALM = {0, 1, 4, 5, 6, 7, 8, 13, 15, 17, 18, 20, 21, 22, 23, 26, 27}  # of the labels of GoEmotions


def emotions(text, _path, source, _entry):
    for line in text.splitlines():
        post, labels, _ = line.split("\t")
        if set(map(int, labels.split(","))) <= CALM:
            yield Text.of(post.replace("[NAME]", "Robin"), CLEAN, source, "calm")


def book(text):
    """A book without Project Gutenberg's header and footer."""
    return re.split(r"\*\*\* ?END OF", re.split(r"\*\*\* ?START OF[^*]*\*\*\*", text)[-1])[0]


def fiction(text, _path, source, _entry):
    for passage in passages(book(text)):
        yield Text.of(passage, CLEAN, source, "fiction")


def erotica(text, _path, source, _entry):
    for passage in passages(book(text)):
        yield Text.of(passage, SEXUAL, source, "erotica")


def documentation(text, path, source, _entry):
    kind = "code" if path.endswith((".rs", ".py")) else "documentation"
    for passage in passages(text):
        yield Text.of(passage, CLEAN, source, kind)


def lines(text, path, source, _entry):
    """Beginnings of sentences from the web, a file for each kind that Perspective found in them."""
    kind = path.split("rtp_")[1].removesuffix(".txt")
    label = {"threat": THREAT, "sexually_explicit": SEXUAL, "flirtation": SEXUAL}.get(kind, ABUSE)
    for line in text.splitlines():
        if line.strip():
            yield Text.of(line, label, f"{source} {kind}", "post")


def scored_prompts(text, _path, source, _entry):
    """Beginnings of sentences from the web and their continuations, with Perspective's scores of both."""
    for record in map(json.loads, text.splitlines()):
        begin, end = Scored(record["prompt"]), Scored(record["continuation"])
        split = split_of(begin.text)
        found = []
        if begin.label != CLEAN:
            found.append((begin.text, begin.label))
            if end.toxicity >= 0.5:
                found.append((begin.text + end.text, begin.label))
        elif end.toxicity >= 0.7:
            found.append((end.text, end.label))
        if end.worst < 0.15:
            found.append((end.text if begin.worst > 0.3 else begin.text + end.text, CLEAN))
        for said, label in found:
            yield Text.of(said, label, f"{source} {label}", "modern" if label == CLEAN else "post", split)


class Scored:
    def __init__(self, record):
        self.text = record["text"]
        self.toxicity, sexual, threat = (record.get(name) or 0.0 for name in ["toxicity", "sexually_explicit", "threat"])
        self.worst = max(self.toxicity, sexual, threat)
        self.label = SEXUAL if sexual >= 0.5 else THREAT if threat >= 0.5 else ABUSE if self.toxicity >= 0.5 else CLEAN


def scenarios(text, path, source, _entry):
    """People's posts about themselves; of the commonsense ones only the long posts, since the short ones may be cruel."""
    for row in csv.reader(io.StringIO(text, newline="")):
        told = max(row, key=len) if "commonsense" in path else " ".join(row[1:]) if row[0] in ("0", "1") else row[0]
        if len(told) >= (400 if "commonsense" in path else 20):
            yield Text.of(told[:6000], CLEAN, f"{source} ETHICS", "modern")


# The posts that speak of a risk, where one answer is rated on ignoring a risk.
SPEAKS_OF_SUICIDE = re.compile(
    r"suicid|kill(ing)? myself|end(ing)? (it all|my life|everything)|self.?harm|cut(ting)? myself|want to die|wanna die"
    r"|overdos|hang myself|hurt(ing)? myself",
    re.IGNORECASE,
)


def dialogues(text, _path, source, _entry):
    """Messages to a chatbot: about risks that it should not ignore, and questions for a doctor."""
    for record in json.loads(text):
        said = record["context"]
        if record["category"] == "Risk Ignorance" and SPEAKS_OF_SUICIDE.search(said):
            yield Text.of(said, SELF_HARM, f"{source} risks", "post")
        elif record["category"] == "Unauthorized Expertise":
            yield Text.of(said, CLEAN, source, "modern")


def hazards(text, _path, source, _entry):
    """Prompts by their hazard; the model does not look for requests of other kinds."""
    for row in rows_of(text):
        if row["hazard"] == "ssh":
            yield Text.of(row["prompt_text"], SELF_HARM, source, "request")


def writing(text, _path, source, _entry):
    """Contemporary prose, by writers and by models, from each record that has some."""
    for prose in long_strings(json.loads(text)):
        yield Text.of(prose[:3000], CLEAN, source, "modern")


def long_strings(value):
    if isinstance(value, str) and len(value) > 200:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from long_strings(inner)


READ = {read.__name__: read for read in [
    posts, wikipedia_talk, words, emotions, fiction, erotica, documentation, lines, scored_prompts, scenarios, dialogues, hazards, writing,
]}

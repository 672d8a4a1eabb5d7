"""Trains the toxicity model and measures it. See README.md.

Two logistic regressions over hashed words and letters, on labelled texts and on sentences of clean ones, each in rounds. Every round
adds the clean sentences that the round before found by mistake. Then both are scaled and shifted so that 0.5 is the working
point; their weights are whole steps of a byte.
"""

import argparse
import struct
from itertools import chain
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import measures
from features import LETTER_BITS, WORD_BITS, features, scaled
from repositories import repositories
from sentences import templates
from texts import ABUSE, CLEAN, OBSCENE, SELF_HARM, SEXUAL, THREAT, clean, disguised, installed, labelled

# The labels of each head. One head for all finds less of either: their words have little in common.
HEADS = {"abuse": [ABUSE, OBSCENE, THREAT], "harm": [SEXUAL, OBSCENE, SELF_HARM, THREAT]}
SEED = 1
REGULARISATION = 5.0  # scikit-learn's C
ROUNDS = 3
HARDEST = 20_000  # clean sentences that each further round adds
OF_A_KIND = 15_000  # clean sentences of a kind that are drawn for the first round
TOXIC_WEIGHT, CLEAN_WEIGHT = 20_000, 40_000
SHORTEST = 16  # features of letters: shorter sentences are no evidence
# These were not labelled by people text by text: a text that a round clearly contradicts is left out of the next.
HEARSAY = ["GoEmotions-pytorch", "context_toxicity", "xstest"]
HEARSAY_KIND = "erotica"
LABELLED = ["davidson", "toxigen", "toxic_spans", "wiki", "context_toxicity", "templates", "profanity"]
SIGNATURE = b"FWTOX\0\0\x02"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with dev/ and edits/")
    parser.add_argument("--sources", type=Path, required=True, help="the folder with the repositories of sources.toml")
    parser.add_argument("--cargo-home", type=Path, default=Path.home() / ".cargo")
    parser.add_argument("--features", type=Path, required=True, help="the built example toxicity_features")
    parser.add_argument("--leave-out", nargs="*", default=[], help="labelled sources to measure on only; writes no weights")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "weights.bin")
    arguments = parser.parse_args()

    corpus = Corpus(gather(arguments), arguments.features)
    heads = [Head(*train(corpus, labels, arguments.leave_out)) for labels in HEADS.values()]
    measures.working_point(corpus, heads)
    measures.report(corpus, heads, arguments.leave_out)
    if not arguments.leave_out:
        write(arguments.out, heads)


def gather(arguments):
    seen, texts = set(), []
    data, sources = arguments.data, arguments.sources
    for text in chain(labelled(data), clean(data), repositories(sources), installed(arguments.cargo_home), templates()):
        key = text.text.strip().lower()
        if key and key not in seen:
            seen.add(key)
            texts.append(text)
    return texts + list(disguised(texts))


class Corpus:
    """All texts with their features, of texts and of sentences."""

    def __init__(self, texts, binary):
        column = lambda name: np.array([getattr(text, name) for text in texts])
        self.source, self.kind, self.split, self.label = map(column, ["source", "kind", "split", "label"])
        self.toxic = self.label != CLEAN
        found = features(binary, [text.text for text in texts])
        self.sentences = np.diff(found.first)
        self.text_of = np.repeat(np.arange(len(texts)), self.sentences)
        self.letters = np.asarray(found.letters.sum(axis=1)).ravel()
        self.of_texts = scaled(*found.of_texts())
        self.of_sentences = scaled(found.words, found.letters)


class Head:
    """The weights of words and letters, as whole steps of at most 127 each; the few greatest are cut off."""

    def __init__(self, weights, bias):
        self.bias, self.steps, self.tables = bias, [], []
        for table in np.split(weights, [1 << WORD_BITS]):
            step = float(np.quantile(np.abs(table[table != 0]), 0.9999)) / 127
            self.steps.append(step)
            self.tables.append(np.clip(np.round(table / step), -127, 127).astype(np.int8))

    def log_odds(self, features):
        weights = [table.astype(np.float32) * np.float32(step) for table, step in zip(self.tables, self.steps)]
        return features @ np.concatenate(weights) + self.bias

    def scale(self, slope):
        self.bias *= slope
        self.steps = [step * slope for step in self.steps]

    def shift(self, bias):
        self.bias += bias


def train(corpus, labels, leave_out):
    random = np.random.default_rng(SEED)
    is_sought = np.isin(corpus.label, labels)
    is_trained = (corpus.split == "train") & ~np.isin(corpus.source, leave_out) & (is_sought | ~corpus.toxic)
    is_labelled = np.isin(corpus.source, LABELLED)
    whole = np.flatnonzero(is_trained)
    clean = np.flatnonzero((is_trained & ~corpus.toxic)[corpus.text_of] & (corpus.letters >= SHORTEST))
    drawn = []
    kinds = np.where(is_labelled, "labelled", corpus.kind)[corpus.text_of]
    for kind in np.unique(kinds[clean]):
        of_kind = clean[kinds[clean] == kind]
        drawn.append(random.choice(of_kind, min(len(of_kind), OF_A_KIND), replace=False))
    drawn = np.concatenate(drawn)
    dropped = np.zeros(len(corpus.source), bool)
    model = LogisticRegression(C=REGULARISATION, max_iter=150, tol=1e-4, warm_start=True)
    for _ in range(ROUNDS):
        texts, sentences = whole[~dropped[whole]], np.unique(drawn[~dropped[corpus.text_of[drawn]]])
        of = np.concatenate([texts, corpus.text_of[sentences]])
        sought = np.concatenate([is_sought[texts], np.zeros(len(sentences), bool)])
        rows = sparse.vstack([corpus.of_texts[texts], corpus.of_sentences[sentences]], "csr")
        model.fit(rows, sought, sample_weight=weights_of(sought, corpus.source[of], corpus.kind[of]))
        weights, bias = model.coef_[0].astype(np.float32), float(model.intercept_[0])
        print(f"{labels}: {sought.sum()} and {(~sought).sum()} clean, {model.n_iter_[0]} iterations, {dropped.sum()} left out", flush=True)
        log_odds = corpus.of_texts @ weights + bias
        dropped |= np.isin(corpus.source, HEARSAY) & ~corpus.toxic & (log_odds > 1.5)
        dropped |= (corpus.kind == HEARSAY_KIND) & (log_odds < -1.0)
        unlabelled = clean[~is_labelled[corpus.text_of[clean]]]
        hardest = unlabelled[np.argsort(-(corpus.of_sentences[unlabelled] @ weights))[:HARDEST]]
        drawn = np.concatenate([drawn, hardest])
    return weights, bias


def weights_of(sought, source, kind):
    """Weights of texts: a source counts as the root of its size, and clean posts of the labelled sets, which are few, count more."""
    weights = np.ones(len(sought))
    for group, names in [(sought, source), (~sought, kind)]:
        for name in np.unique(names[group]):
            members = group & (names == name)
            weights[members] = members.sum() ** -0.5
    weights[~sought & np.isin(source, ["davidson", "toxigen", "wiki", "templates"])] *= 1.5
    weights[sought] *= TOXIC_WEIGHT / weights[sought].sum()
    weights[~sought] *= CLEAN_WEIGHT / weights[~sought].sum()
    return weights


def write(path, heads):
    """The heads' numbers, then the tables; a hash's weights of all heads lie side by side."""
    numbers = b"".join(struct.pack("<3f", *head.steps, head.bias) for head in heads)
    tables = [np.stack(tables, axis=1) for tables in zip(*(head.tables for head in heads))]
    assert [len(table) for table in tables] == [1 << WORD_BITS, 1 << LETTER_BITS]
    path.write_bytes(SIGNATURE + numbers + b"".join(table.tobytes() for table in tables))


if __name__ == "__main__":
    main()

"""Trains the toxicity model and measures it. See README.md.

A logistic regression over hashed words and letters, on labelled posts and on sentences of clean texts, in two rounds: the
second adds the clean sentences that the first took for abuse. Then its log-odds are scaled and shifted so that 0.5 is the
working point, and its weights are rounded to bytes.
"""

import argparse
import struct
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import measures
from features import LETTER_BITS, WORD_BITS, features, scaled
from texts import clean, disguised, installed, labelled, repositories, templates

SEED = 1
REGULARISATION = 5.0  # scikit-learn's C
ROUNDS = 2
HARDEST = 20_000  # clean sentences that the second round adds
OF_A_KIND = 15_000  # clean sentences of a kind that are drawn for the first round
TOXIC_WEIGHT, CLEAN_WEIGHT = 20_000, 40_000
SHORTEST = 16  # features of letters: shorter sentences say nothing
# Not labelled by people sentence by sentence: what the first round is sure of there is left out of the second.
HEARSAY = ["GoEmotions-pytorch", "context_toxicity", "xstest"]
LABELLED = ["davidson", "toxigen", "toxic_spans", "wiki", "context_toxicity", "templates", "profanity"]
SIGNATURE = b"FWTOX\0\0\x01"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with dev/ and edits/")
    parser.add_argument("--sources", type=Path, required=True, help="the folder with the repositories of sources.toml")
    parser.add_argument("--cargo-home", type=Path, default=Path.home() / ".cargo")
    parser.add_argument("--features", type=Path, required=True, help="the built example toxicity_features")
    parser.add_argument("--leave-out", nargs="*", default=[], help="labelled sources to measure on only; writes no weights")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights.bin")
    arguments = parser.parse_args()

    corpus = Corpus(gather(arguments), arguments.features)
    weights, bias = train(corpus, arguments.leave_out)
    steps, weights = rounded(weights)
    bias, slope = measures.working_point(corpus, weights, bias)
    weights, bias, steps = weights * slope, bias, [step * slope for step in steps]
    print(f"slope {slope:.3f}, bias {bias:.3f}")
    measures.report(corpus, weights, bias, arguments.leave_out)
    if not arguments.leave_out:
        write(arguments.out, weights, steps, bias)


def gather(arguments):
    seen, texts = set(), []
    for source in (labelled, clean, repositories, installed, templates):
        folder = {labelled: arguments.data, clean: arguments.data, repositories: arguments.sources}
        of = source() if source is templates else source(folder.get(source, arguments.cargo_home))
        for text in of:
            key = text.text.strip().lower()
            if key and key not in seen:
                seen.add(key)
                texts.append(text)
    return texts + list(disguised(texts))


class Corpus:
    """All texts with their features, of texts and of sentences."""

    def __init__(self, texts, binary):
        column = lambda name: np.array([getattr(text, name) for text in texts])
        self.source, self.kind, self.split, self.toxic = map(column, ["source", "kind", "split", "toxic"])
        found = features(binary, [text.text for text in texts])
        self.first = found.first
        self.sentences = np.diff(found.first)
        self.text_of = np.repeat(np.arange(len(texts)), self.sentences)
        self.letters = np.asarray(found.letters.sum(axis=1)).ravel()
        self.of_texts = scaled(*found.of_texts())
        self.of_sentences = scaled(found.words, found.letters)


def train(corpus, leave_out):
    random = np.random.default_rng(SEED)
    is_trained = (corpus.split == "train") & ~np.isin(corpus.source, leave_out)
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
    model = LogisticRegression(C=REGULARISATION, max_iter=150, tol=2e-5, warm_start=True)
    for _ in range(ROUNDS):
        texts, sentences = whole[~dropped[whole]], np.unique(drawn[~dropped[corpus.text_of[drawn]]])
        of = np.concatenate([texts, corpus.text_of[sentences]])
        toxic = np.concatenate([corpus.toxic[texts], np.zeros(len(sentences), bool)])
        rows = sparse.vstack([corpus.of_texts[texts], corpus.of_sentences[sentences]], "csr")
        model.fit(rows, toxic, sample_weight=weights_of(toxic, corpus.source[of], corpus.kind[of]))
        weights, bias = model.coef_[0].astype(np.float32), float(model.intercept_[0])
        print(f"{toxic.sum()} toxic and {(~toxic).sum()} clean, {model.n_iter_[0]} iterations, {dropped.sum()} left out", flush=True)
        dropped |= np.isin(corpus.source, HEARSAY) & ~corpus.toxic & (corpus.of_texts @ weights + bias > 1.5)
        unlabelled = clean[~is_labelled[corpus.text_of[clean]]]
        hardest = unlabelled[np.argsort(-(corpus.of_sentences[unlabelled] @ weights))[:HARDEST]]
        drawn = np.concatenate([drawn, hardest])
    return weights, bias


def weights_of(toxic, source, kind):
    """A source counts as the root of its size, and clean posts of the labelled sets, which are few, count more."""
    weights = np.ones(len(toxic))
    for group, names in [(toxic, source), (~toxic, kind)]:
        for name in np.unique(names[group]):
            members = group & (names == name)
            weights[members] = members.sum() ** -0.5
    weights[~toxic & np.isin(source, ["davidson", "toxigen", "wiki", "templates"])] *= 1.5
    weights[toxic] *= TOXIC_WEIGHT / weights[toxic].sum()
    weights[~toxic] *= CLEAN_WEIGHT / weights[~toxic].sum()
    return weights


def rounded(weights):
    """Each table's step, and the weights as whole steps of at most 127. The few greatest are cut off."""
    steps, tables = [], np.split(weights, [1 << WORD_BITS])
    for table in tables:
        step = np.quantile(np.abs(table[table != 0]), 0.9999) / 127
        steps.append(float(step))
        table[:] = np.clip(np.round(table / step), -127, 127) * step
    return steps, np.concatenate(tables)


def write(path, weights, steps, bias):
    words, letters = np.split(weights, [1 << WORD_BITS])
    tables = [np.round(table / step).astype(np.int8) for table, step in zip((words, letters), steps)]
    assert len(tables[0]) == 1 << WORD_BITS and len(tables[1]) == 1 << LETTER_BITS
    header = SIGNATURE + struct.pack("<3f", *steps, bias)
    path.write_bytes(header + b"".join(table.tobytes() for table in tables))


if __name__ == "__main__":
    main()

"""Features of texts, as the Rust code computes them."""

import subprocess
from dataclasses import dataclass

import numpy as np
from scipy import sparse

WORD_BITS, LETTER_BITS = 17, 18


@dataclass
class Features:
    """Counts, a row a sentence; `first[i]..first[i + 1]` are those of text `i`."""

    words: sparse.csr_matrix
    letters: sparse.csr_matrix
    first: np.ndarray

    def of_texts(self):
        """A row a text: what its sentences have together."""
        texts = len(self.first) - 1
        of = np.repeat(np.arange(texts), np.diff(self.first))
        gather = sparse.csr_matrix((np.ones(len(of), np.float32), (of, np.arange(len(of)))), (texts, len(of)))
        return gather @ self.words, gather @ self.letters


def features(binary, texts):
    """The features of each sentence of `texts`, by the example `toxicity_features`, built at `binary`."""
    stdin = b"".join(text.encode() + b"\0" for text in texts)
    out = np.frombuffer(subprocess.run([binary], input=stdin, capture_output=True, check=True).stdout, "<u4")
    parts = {"words": [], "letters": []}
    first, at = [0], 0
    for _ in texts:
        sentences, at = int(out[at]), at + 1
        first.append(first[-1] + sentences)
        for _ in range(sentences):
            words, letters = int(out[at]), int(out[at + 1])
            at += 2
            parts["words"].append(out[at : at + words])
            parts["letters"].append(out[at + words : at + words + letters])
            at += words + letters
    assert at == len(out)
    return Features(counts(parts["words"], WORD_BITS), counts(parts["letters"], LETTER_BITS), np.array(first))


def counts(rows, bits):
    ends = np.cumsum([0] + [len(row) for row in rows])
    columns = (np.concatenate(rows) >> np.uint32(32 - bits)).astype(np.int32)
    matrix = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), (len(rows), 1 << bits))
    matrix.sum_duplicates()
    return matrix


def scaled(words, letters):
    """The inputs of the linear model: counts over the root of their sum, so that the length matters less."""
    parts = []
    for matrix in (words, letters):
        sums = np.asarray(matrix.sum(axis=1)).ravel()
        parts.append(sparse.diags((1 / np.sqrt(np.maximum(sums, 1))).astype(np.float32)) @ matrix)
    return sparse.hstack(parts, "csr")

"""Measures the model on texts that it was not trained on, scored as the audit scores them."""

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

# As in the audit.
SHARE, MARGIN, MANY, MOST = 0.65, 0.3, 50, 30.0
# Shares of clean texts, all kinds weighted equally: those that each head may find by itself, and both at the working point.
OF_HEADS = [0.003, 0.002]
FALSE_POSITIVES = 0.0057
# A steeper value finds more in pages, and more by mistake in novels: it weighs the number of sentences against the log-odds.
SLOPE = 1.05
CLEAN_KINDS = [["documentation"], ["code"], ["fiction"], ["translation"], ["prose", "summary", "answer"]]


def log_odds(features, heads):
    """The probability that any head's kind of text is there: their odds together."""
    return np.logaddexp.reduce([head.log_odds(features) for head in heads])


def scores(corpus, heads):
    """Returns the log-odds of each text, as the audit weighs its sentences."""
    each = log_odds(corpus.of_sentences, heads)
    count = np.maximum(corpus.sentences, 1)
    worst = np.full(len(count), -99.0)
    np.maximum.at(worst, corpus.text_of, each)
    odds = np.bincount(corpus.text_of, np.exp(np.clip(each, -MOST, MOST)), len(count))
    mean = np.maximum(np.log(np.maximum(odds, 1e-13) / count), worst - np.log(MANY))
    together = log_odds(corpus.of_texts, heads)
    one = worst - np.log(np.minimum(count, MANY)) - MARGIN
    return np.where(count > 1, np.maximum(SHARE * mean + (1 - SHARE) * together, one), together)


def threshold(corpus, score, share):
    """Returns the value that a share of the clean texts of the dev split exceeds, all kinds weighted equally."""
    is_clean = (corpus.split == "dev") & ~corpus.toxic
    of_kinds = [score[is_clean & np.isin(corpus.kind, kinds)] for kinds in CLEAN_KINDS]
    values = np.concatenate(of_kinds)
    weights = np.concatenate([np.full(len(of_kind), 1 / len(of_kind) / len(of_kinds)) for of_kind in of_kinds])
    order = np.argsort(-values)
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), share)])


def working_point(corpus, heads):
    """Shifts the heads so that clean texts pass: each by itself first, which makes them comparable, then both alike."""
    for head, share in zip(heads, OF_HEADS):
        head.shift(-threshold(corpus, scores(corpus, [head]), share))
        head.scale(SLOPE)
    least = threshold(corpus, scores(corpus, heads), FALSE_POSITIVES)
    for head in heads:
        head.shift(-least)


def report(corpus, heads, leave_out):
    score = scores(corpus, heads)
    measured = (corpus.split == "test") | np.isin(corpus.source, leave_out)
    unseen = [source for source in np.unique(corpus.source) if (corpus.kind[corpus.source == source] == "unseen").all()]
    for source in ["davidson", "toxigen", "wiki", "context_toxicity", "toxic_spans", *unseen]:
        of = measured & (corpus.source == source)
        if source == "toxic_spans" and source in leave_out:
            # It has no clean texts of its own.
            of |= (corpus.split == "test") & (corpus.source == "GoEmotions-pytorch")
        toxic, found = corpus.toxic[of], score[of] > 0
        if toxic.all():
            print(f"{source}: {of.sum()} texts, recall {found.mean():.3f}")
            continue
        auc = roc_auc_score(toxic, score[of])
        print(f"{source}: {of.sum()} texts, AUC {auc:.3f}, F1 {f1_score(toxic, found):.3f}, "
              f"recall {found[toxic].mean():.3f}, false positives {found[~toxic].mean():.3f}")
    of_known = measured & (corpus.kind != "unseen")
    for among, names in [(of_known & corpus.toxic, corpus.label), (of_known & ~corpus.toxic, corpus.kind)]:
        for name in np.unique(names[among]):
            for source in np.unique(corpus.source[among & (names == name)]):
                of = among & (names == name) & (corpus.source == source)
                print(f"{name}, {source}: {np.sum(score[of] > 0)} of {of.sum()} found")

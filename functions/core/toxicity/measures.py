"""What the model does on texts that it was not trained on, scored as the audit scores them."""

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

FEW, MANY = 4, 50  # as in the audit
PAGE = 20  # sentences
FALSE_POSITIVES = 0.004  # of clean texts of any kind, at the working point
# Steeper ones find more in pages, and by mistake more in novels of which none was trained on.
SLOPES = [0.6, 0.75, 0.9, 1.05]
# Kinds of which there are few texts to choose by are one, lest a single text decide.
CLEAN_KINDS = [["documentation"], ["code"], ["fiction"], ["translation"], ["prose", "summary", "answer"]]


def scores(corpus, weights, bias):
    """The log-odds of each text: of its sentences' mean odds, at least those of the worst among many, or of all of a few."""
    alone = corpus.of_sentences @ weights + bias
    worst = np.full(len(corpus.source), -99.0)
    np.maximum.at(worst, corpus.text_of, alone)
    worst -= np.log(np.clip(corpus.sentences, 1, MANY))
    odds = np.bincount(corpus.text_of, np.exp(np.clip(alone, -30, 30)), len(worst))
    worst = np.maximum(worst, np.log(np.maximum(odds, 1e-13) / np.maximum(corpus.sentences, 1)))
    together = corpus.of_texts @ weights + bias
    return np.where((corpus.sentences > 1) & (corpus.sentences <= FEW), np.maximum(worst, together), worst)


def working_point(corpus, weights, bias):
    """The bias at which clean texts of every kind pass, and the slope at which most abuse is found there, alone and in pages.

    The slope matters because the number of sentences is weighed against the log-odds.
    """
    best = None
    is_dev = corpus.split == "dev"
    posts = is_dev & corpus.toxic
    plainly = posts & np.isin(corpus.source, ["davidson", "toxic_spans"])
    for slope in SLOPES:
        score = scores(corpus, weights * slope, 0.0)
        clean = [score[is_dev & ~corpus.toxic & np.isin(corpus.kind, kinds)] for kinds in CLEAN_KINDS]
        bias = -max(np.quantile(of_kind, 1 - FALSE_POSITIVES) for of_kind in clean)
        recalls = [np.mean(score[posts & (corpus.source == source)] > -bias) for source in np.unique(corpus.source[posts])]
        in_page = np.mean((corpus.of_texts @ (weights * slope))[plainly] - np.log(PAGE) > -bias)
        print(f"slope {slope:.2f}: bias {bias:.2f}, recalls {np.round(recalls, 3)}, in a page {in_page:.3f}")
        if best is None or np.mean(recalls) + in_page > best[0]:
            best = np.mean(recalls) + in_page, float(bias), float(slope)
    return best[1], best[2]


def report(corpus, weights, bias, leave_out):
    score = scores(corpus, weights, bias)
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
    for kind in np.unique(corpus.kind[~corpus.toxic & (corpus.kind != "unseen")]):
        for source in np.unique(corpus.source[measured & ~corpus.toxic & (corpus.kind == kind)]):
            of = measured & ~corpus.toxic & (corpus.kind == kind) & (corpus.source == source)
            print(f"{kind}, {source}: {np.sum(score[of] > 0)} of {of.sum()} found")

"""Tables that help to choose: a model for a kind of data, candidates by a model."""

from page_tables.accuracy import study_scores
from page_tables.markdown import cells, read, table

SITUATIONS = {
    "a cross, growth in 46 conditions (yeast)": "yeast, 46 traits, each alone",
    "five of them, where loci interact": "yeast, 5 of them with epistasis",
    "inbred lines, yield (wheat)": "wheat, 4 environments",
    "lines of several programmes, yield and height (barley)": "barley, 12 traits",
    "outbred families, new cages (mice)": "mice, folds by cage",
}
MODELS = ["transformer", "gblup", "rkhs", "lasso", "hgb"]
MEASURES = {
    "r": "r",
    "rank_correlation": "rank correlation",
    "slope": "slope",
    "top_fraction_overlap": "best tenth found",
}


def choose() -> str:
    """Return mean r of each model on each kind of data."""
    studies = study_scores()
    rows = []
    for situation, name in SITUATIONS.items():
        scores = studies[name].groupby("model").r
        full = scores.size() == scores.size()["transformer"]
        means = scores.mean()[full].reindex(MODELS)
        rows.append([situation, *cells(means, best=True)])
    return table(["data", *MODELS], rows)


def selection() -> str:
    """Return what selecting mice of new cages by each model is like."""
    means = read("accuracy_mice_cages").groupby("model")[list(MEASURES)].mean()
    rows = [[name, *cells(means.loc[name])] for name in MODELS if name in means.index]
    return table(["model", *MEASURES.values()], rows)

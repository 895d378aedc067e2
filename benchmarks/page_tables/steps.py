"""Tables of the steps around a model: imputation, and tests of differences."""

from page_tables.markdown import cells, read, table


def imputation() -> str:
    """Return the share of hidden calls that come back, by data set and strategy."""
    shares = read("imputation").groupby(["strategy", "dataset"]).concordance.mean().unstack()
    shares = shares.loc[["mean", "mode", "knn", "nearest", "linkage"]]
    return table(["strategy", *shares], [[name, *cells(row)] for name, row in shares.iterrows()])


def rejection() -> str:
    """Return how often the 5 % test rejects where there is no difference."""
    rows = [
        [design, f"{repeats} x 5", *(span(rates[name]) for name in ("corrected", "uncorrected"))]
        for (design, repeats), rates in read("rejection").groupby(["design", "repeats"], sort=False)
    ]
    return table(["design", "folds", "corrected", "uncorrected"], rows)


def span(rates) -> str:
    """Return the least and the largest of some rates."""
    return f"{rates.min():.1%} to {rates.max():.1%}".replace("%", " %")

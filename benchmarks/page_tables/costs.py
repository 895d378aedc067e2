"""Tables of time and memory."""

import numpy as np
import pandas as pd

from page_tables.markdown import cells, mean_difference, read, table

CASE = ["threads", "measured", "n_samples", "n_markers", "n_traits"]
N_ENCODERS = 15  # of the default, in haploids
COSTS = {
    "wall_seconds": "seconds",
    "cpu_seconds": "CPU seconds",
    "peak_mb_above_input": "MB beside the dosages",
}


def speed() -> str:
    """Return the median cost of each piece of work."""
    medians = read("speed").groupby(["case", *CASE], sort=False)[list(COSTS)].median()
    rows = []
    for case, row in medians.reset_index(level="case", drop=True).iterrows():
        threads, work, *sizes = case
        costs = cells(row, 2)[:2] + cells(row, 0)[2:]
        rows.append([work, " x ".join(f"{size:,}" for size in sizes), str(threads), *costs])
    return table(["work", "lines x markers x traits", "threads", *COSTS.values()], rows)


def ratios() -> str:
    """Return medians of ratios within a round, and exponents of the cost."""
    costs = read("speed")
    rows = {
        "a fit / two forests of 500 trees": _ratio(costs, "fit", "transformer", "forest"),
        "an epoch of all fifteen encoders, batches of 8 / one plain encoder": _ratio(
            costs, "epoch", "epoch", "plain epoch"
        ),
        "the same / fifteen plain encoders": _ratio(costs, "epoch", "epoch", "plain epoch")
        / N_ENCODERS,
        "an epoch of one encoder alone / one plain encoder": _ratio(
            costs, "epoch", "epoch of one encoder", "plain epoch"
        ),
        "an epoch of all fifteen encoders / fifteen epochs of one": _ratio(
            costs, "epoch", "epoch", "epoch of one encoder"
        )
        / N_ENCODERS,
        "operations a second in training / in a large product, two threads": _share_of_peak(
            costs, 2
        ),
        "the same, one thread": _share_of_peak(costs, 1),
        "46 traits / one": _growth(costs, "traits", "n_traits")[0],
        "16,000 lines x 20,000 markers / GBLUP": _ratio(costs, "large", "transformer", "gblup"),
        "exponent of the cost in lines, 1,000 to 16,000": _growth(costs, "samples", "n_samples")[1],
        "exponent in markers, 10,000 to 200,000": _growth(costs, "markers", "n_markers")[1],
    }
    return table(["ratio", ""], [[name, f"{value:.2f}"] for name, value in rows.items()])


def speedups() -> str:
    """Return the cost of each variant as a ratio to the default's, and its r beside that."""
    costs, scores = read("speed"), read("speedups")
    r = scores.set_index(["trait", "repeat", "fold", "model"]).r.unstack()
    # Fold by fold: a variant that was not run on all of them is compared on its own.
    differences = r.sub(r["default"], axis=0).groupby("trait").mean().T.loc[scores.model.unique()]
    rows = []
    for variant, by_trait in differences.iterrows():
        ratio = _ratio(costs, "speedups", f"fit, {variant}", "fit, default")
        texts = [str(by_trait.count()), mean_difference(by_trait.dropna(), 4)]
        texts += [f"{k} {by_trait[k]:+.4f}" for k in (by_trait.idxmin(), by_trait.idxmax())]
        rows.append([variant, f"{ratio:.1f}", *(texts if len(rows) else [""] * 4)])
    header = ["variant", "cost of a fit / default", "traits", "difference in r"]
    return table([*header, "smallest", "largest"], rows)


def _seconds(costs: pd.DataFrame, case: str, measured: str, per: str | None = None) -> pd.Series:
    """Return wall seconds of a piece of work, by round; of a GFLOP where `per` says so."""
    rows = costs[(costs.case == case) & (costs.measured == measured)].set_index("round")
    return rows.wall_seconds / (1 if per is None else rows[per])


def _ratio(costs: pd.DataFrame, case: str, one: str, other: str) -> float:
    return (_seconds(costs, case, one) / _seconds(costs, case, other)).median()


def _share_of_peak(costs: pd.DataFrame, threads: int) -> float:
    costs = costs[costs.threads == threads]
    step, product = (_seconds(costs, "matmul", name, "gflop") for name in ("step", "matmul"))
    return (product / step).median()


def _growth(costs: pd.DataFrame, case: str, size: str) -> tuple[float, float]:
    """Return the cost of the largest size over that of the smallest, and the log-log slope.

    Sizes below 1,000 lines or 10,000 markers are left out: what is the same for all shows there.
    """
    seconds = costs[costs.case == case].groupby(size).wall_seconds.median()
    smallest = {"n_samples": 1000, "n_markers": 10_000}.get(size, 1)
    seconds = seconds[seconds.index >= smallest]
    slope = np.polyfit(np.log(seconds.index), np.log(seconds), 1)[0]
    return seconds.iloc[-1] / seconds.iloc[0], slope


def grid() -> str:
    """Return the time and the efficiency of a grid search on several workers."""
    costs = read("grid").set_index("n_workers")
    rows = [
        ["seconds", *cells(costs.seconds, 0)],
        ["efficiency", *cells(costs.efficiency, 2)],
    ]
    return table(["dask workers", *map(str, costs.index)], rows)


def memory() -> str:
    """Return the resident memory of a process that fits one model after the other."""
    fits = read("memory").set_index("fit").resident_megabytes
    chosen = fits.loc[[0, 9, len(fits) // 2 - 1, len(fits) - 1]]
    return table(["fits", *(str(fit + 1) for fit in chosen.index)], [["MB", *cells(chosen, 1)]])

"""Tables of time and memory."""

from page_tables.markdown import cells, read, table

CASE = ["threads", "measured", "n_samples", "n_markers", "n_traits"]
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


def memory() -> str:
    """Return the resident memory of a process that fits one model after the other."""
    fits = read("memory").set_index("fit").resident_megabytes
    chosen = fits.loc[[0, 9, len(fits) // 2 - 1, len(fits) - 1]]
    return table(["fits", *(str(fit + 1) for fit in chosen.index)], [["MB", *cells(chosen, 1)]])

"""Tables of what is found in fitted models: loci and pairs of loci."""

from page_tables.markdown import mean_difference, read, table

METHODS = {
    'transformer, `"gradient"` (default)': "transformer, gradient, smoothed",
    'transformer, `"effect"`': "transformer, effect, smoothed",
    'transformer, `"gate"`': "transformer, gate, smoothed",
    'transformer, `"permutation"`': "transformer, permutation",
    "lasso, smoothed the same way": "lasso, smoothed",
    "lasso": "lasso",
    "GBLUP effect, smoothed the same way": "GBLUP effect, smoothed",
    "GBLUP effect": "GBLUP effect",
    "single-marker scan": "single-marker scan",
}


def qtl_detection() -> str:
    """Return the areas under the curve, and differences to the first with 95 % intervals."""
    scores = read("qtl_detection").pivot(index="seed", columns="method")
    areas = [scores[area][list(METHODS.values())] for area in ("loci", "markers")]
    rows = []
    for name, method in METHODS.items():
        row = [name]
        for area in areas:
            difference = mean_difference(area[method] - area.iloc[:, 0], 3)
            row += [f"{area[method].mean():.3f}", "" if len(rows) == 0 else difference]
        rows.append(row)
    return table(["", "loci", "difference", "markers", "difference"], rows)


def interactions() -> str:
    """Return how often pairs are found, true ones by their share of the variance."""
    found = read("interactions")
    false, true = found[found.share == 0], found[found.share > 0]
    cases = {
        "any pair, where there is no epistasis": (false[false.n_pairs == 0], "crosses"),
        "a pair that explains over 5 % of the variance": (true[true.share > 0.05], "pairs"),
        "1 to 5 %": (true[true.share.between(0.01, 0.05)], "pairs"),
        "less than 1 %": (true[true.share < 0.01], "pairs"),
        "a pair that is none, where there is epistasis": (false[false.n_pairs > 0], "crosses"),
    }
    rows = []
    for case, (chosen, what) in cases.items():
        counts = [chosen[chosen.scan == scan].found for scan in ("model", "all pairs")]
        sums = [str(int(count.sum())) for count in counts]
        rows.append([case, f"{len(counts[0])} {what}", *sums])
    return table(["found with p < .05", "of", "`interaction_scan`", "all pairs"], rows)

"""Tables of the lecture's other networks, beside the classical tool for the same job."""

import pandas as pd

from page_tables.markdown import cells, read, table

CODERS = {"pca": "PCA", "autoencoder": "`GenotypeAutoencoder`"}
SCORES = {
    "autoencoder": "`GenotypeAutoencoder`",
    "pca": "PCA",
    "linkage": '`DosageImputer("linkage")`, leaving calls out',
}
IMPUTERS = ["autoencoder", "linkage", "knn", "nearest"]
GENERATORS = {
    "holdout": "held-out half",
    "markov": "`switch_rate=1`",
    "copier .05": "`.05`",
    "gan": "GAN",
    "masked": "masked",
}
MEASURES = {
    "frequency_error": "error of allele frequencies",
    "linkage_error_1": "error of r, neighbouring markers",
    "linkage_error_50": "error of r, markers 50 apart",
    "pca_overlap": "overlap in two principal components",
    "adversarial_accuracy": "real or drawn, by nearest neighbour (.5 is best)",
    "membership_auc": "who was in training, AUC (.5 is private)",
}
PRETRAINED = {
    "gblup": "`GBLUPRegressor`",
    "tokens + gblup": "GBLUP on the tokens of the pre-trained network",
    "from random weights": "network from random weights",
    "pre-trained": "pre-trained network",
}


def cnn_yeast() -> str:
    """Return mean r of the convolutional network, beside the models of the accuracy page."""
    return beside(["networks_yeast", "accuracy_yeast46"], ["gblup", "lasso", "hgb", "transformer"])


def cnn_wheat() -> str:
    """Return the same for the environments of wheat, in the folds of the first repeat."""
    return beside(["networks_wheat", "accuracy_wheat"], ["gblup", "rkhs", "transformer"])


def beside(names: list[str], others: list[str]) -> str:
    """Return mean r over the same folds, a row for each trait that the first file has."""
    scores = pd.concat([read(name) for name in names])
    first = read(names[0])
    same = scores.repeat.isin(first.repeat) & scores.trait.isin(first.trait)
    r = scores[same].groupby(["trait", "model"], sort=False).r.mean().unstack()[["cnn", *others]]
    header = ["trait", *(f"`{model}`" for model in r)]
    return table(header, [[trait, *cells(row, best=True)] for trait, row in r.iterrows()])


def autoencoder_imputation() -> str:
    """Return the share of hidden calls that are right, common markers only."""
    scores = read("autoencoder_imputation").query("maf_from == 0.2")
    right = scores.pivot(index=["dataset", "share"], columns="strategy", values="concordance")
    rows = [
        [dataset, f"{share:.0%}".replace("%", " %"), *cells(row, best=True)]
        for (dataset, share), row in right[IMPUTERS].iterrows()
    ]
    names = [f"`{name}`" if name != "nearest" else "nearest marker" for name in IMPUTERS]
    return table(["data", "hidden", *names], rows)


def autoencoder_codes() -> str:
    """Return r of ridge on codes, and the share of calls told back from them."""
    scores = read("autoencoder_codes").groupby(["n_components", "coder"])[["r", "told_back"]].mean()
    rows = [
        [str(size), *(text for coder in CODERS for text in cells(scores.loc[size, coder]))]
        for size in (16, 64)
    ]
    names = [f"{CODERS[coder]}, {what}" for coder in CODERS for what in ("r", "told back")]
    return table(["codes", *names], rows)


def autoencoder_anomalies() -> str:
    """Return the AUC of scores for strange samples."""
    auc = read("autoencoder_anomalies").pivot(
        index="score", columns=["dataset", "kind"], values="auc"
    )
    header = ["score", *(f"{dataset}, {kind}" for dataset, kind in auc)]
    return table(header, [[text, *cells(auc.loc[name], 2)] for name, text in SCORES.items()])


def generating_yeast() -> str:
    """Return what draws from each generator are like, learned from half of the segregants."""
    return draws("yeast")


def generating_barley() -> str:
    """Return the same for barley."""
    return draws("barley")


def draws(dataset: str) -> str:
    """Return a row for each measure, a column for each generator."""
    scores = read("generating").query("dataset == @dataset").set_index("generator")
    rows = [[text, *cells(scores.loc[list(GENERATORS), name])] for name, text in MEASURES.items()]
    seconds = cells(scores.loc[list(GENERATORS), "cpu_seconds"][1:], 1)
    return table([dataset, *GENERATORS.values()], [*rows, ["CPU seconds", "", *seconds]])


def pretraining() -> str:
    """Return r with and without learning from genotypes first, by number of phenotypes."""
    r = read("pretraining").groupby(["model", "n_phenotyped"]).r.mean().unstack()
    rows = [[text, *cells(r.loc[name], 2)] for name, text in PRETRAINED.items()]
    return table(["phenotyped", *map(str, r)], rows)

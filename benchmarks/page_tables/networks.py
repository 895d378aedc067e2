"""Tables of the lecture's other networks, beside the classical tool for the same job."""

import pandas as pd

from page_tables.markdown import cells, read, table

CODERS = {"pca": "PCA", "autoencoder": "`GenotypeAutoencoder`"}
SCORES = {
    "autoencoder": "`GenotypeAutoencoder`",
    "pca": "PCA",
    "linkage": '`DosageImputer("linkage")`, leaving calls out',
}
IMPUTERS = {
    "autoencoder": "`autoencoder`",
    "linkage": "`linkage`",
    "knn": "`knn`",
    "nearest": "nearest marker",
    "mean": "`mean`",
}
ON_SUBSET = {
    "autoencoder 60": "`autoencoder`",
    "linkage 60": "`linkage`",
    "iterative 60": "`IterativeImputer`",
}
GENERATORS = {
    "holdout": "held-out half",
    "markov": "`switch_rate=1`",
    "copier .05": "`.05`",
    "gan": "GAN",
    "masked": "masked",
}
MEASURES = {
    "frequency_error": "error of allele frequencies",
    "heterozygosity_error": "error of heterozygosity",
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
USES = {
    "labelled by transformer": "labelled by the transformer",
    "labelled by gblup": "labelled by GBLUP",
    "pre-training": "without phenotypes, in the pre-training",
}
SOURCES = {
    "none": "none",
    "copier .05": "`HaplotypeCopier(.05)`",
    "gan": "`GenotypeGAN`",
    "real": "real ones instead",
}


def cnn_yeast() -> str:
    """Return mean r of the convolutional network, beside the models of the accuracy page."""
    others = ["gblup", "lasso", "hgb", "transformer"]
    return beside(["networks_yeast", "accuracy_yeast46"], "cnn", others)


def cnn_wheat() -> str:
    """Return the same for the environments of wheat, in the folds of the first repeat."""
    return beside(["networks_wheat", "accuracy_wheat"], "cnn", ["gblup", "rkhs", "transformer"])


def beside(names: list[str], model: str, others: list[str]) -> str:
    """Return mean r over the same folds, a row for each trait that the model was run on."""
    scores = pd.concat([read(name) for name in names])
    own = scores[scores.model == model]
    same = scores.repeat.isin(own.repeat) & scores.trait.isin(own.trait)
    r = scores[same].groupby(["trait", "model"], sort=False).r.mean().unstack()[[model, *others]]
    header = ["trait", *(f"`{name}`" for name in r)]
    return table(header, [[trait, *cells(row, best=True)] for trait, row in r.iterrows()])


def cross_attention() -> str:
    """Return mean r of attention between individuals, beside the models of the accuracy page."""
    others = ["gblup", "rkhs", "lasso", "transformer"]
    parts = [
        beside([f"networks_{name}", file], "cross_attention", others)
        for name, file in (("yeast", "accuracy_yeast46"), ("wheat", "accuracy_wheat"))
    ]
    return parts[0] + "".join(parts[1].splitlines(keepends=True)[2:])


def autoencoder_imputation() -> str:
    """Return the share of hidden calls that are right, common markers only."""
    return imputers(IMPUTERS)


def autoencoder_subset() -> str:
    """Return the same where only 60 markers are known."""
    return imputers(ON_SUBSET)


def imputers(chosen: dict[str, str]) -> str:
    """Return a row for each data set and share of hidden calls, a column for each strategy."""
    scores = read("autoencoder_imputation").query("maf_from == 0.2")
    right = scores.pivot(index=["dataset", "share"], columns="strategy", values="concordance")
    rows = [
        [dataset, f"{share:.0%}".replace("%", " %"), *cells(row, best=True)]
        for (dataset, share), row in right[list(chosen)].iterrows()
    ]
    return table(["data", "hidden", *chosen.values()], rows)


def autoencoder_codes() -> str:
    """Return r of ridge on codes, and the share of calls told back from them."""
    scores = read("autoencoder_codes").groupby(["n_components", "coder"])[["r", "told_back"]].mean()
    rows = [
        [str(size), *(text for coder in CODERS for text in cells(scores.loc[size, coder]))]
        for size in scores.index.unique(0)
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


def augmentation() -> str:
    """Return r of the regressor that had draws as well, by what was done with these."""
    r = read("augmentation").groupby(["use", "draws"]).r.mean().unstack()[list(SOURCES)]
    # Draws that GBLUP labels are for the transformer, too.
    r.loc["labelled by gblup", "none"] = r.loc["labelled by transformer", "none"]
    rows = [[text, *cells(r.loc[name])] for name, text in USES.items()]
    return table(["draws are", *SOURCES.values()], rows)


def pretraining() -> str:
    """Return r with and without learning from genotypes first, by number of phenotypes."""
    r = read("pretraining").groupby(["model", "n_phenotyped"]).r.mean().unstack()
    rows = [[text, *cells(r.loc[name], 2)] for name, text in PRETRAINED.items()]
    return table(["phenotyped", *map(str, r)], rows)


def networks_time() -> str:
    """Return how long each network takes on the yeast cross."""
    rows = [
        [f"`{row.estimator}`", f"{row.fit_seconds:.0f}", f"{row.use_seconds:.1f}"]
        for row in read("networks_time").itertuples()
    ]
    return table(["estimator", "fit, CPU seconds", "200 individuals"], rows)

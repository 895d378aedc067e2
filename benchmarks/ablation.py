"""What each part of the default is worth: every variant on the same folds, restartable.

    python benchmarks/ablation.py --out benchmarks/ablation.csv

Runs on development data only: six yeast traits, fitted two at a time, wheat and barley, simulated
crosses of few lines, and simulated populations whose markers are not linked.
Each variant x study is appended as it is done; what stands in the CSV is not run again.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from dominance import not_linked
from results import append, is_done
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from sktransformer_gp import (
    DosageImputer,
    PerTraitRegressor,
    TransformerGPRegressor,
    compare_models,
)
from sktransformer_gp.crossfit import mixing_weights, selection_index
from sktransformer_gp.datasets import fetch_barley, fetch_wheat, fetch_yeast, make_cross
from sktransformer_gp.polygenic import PolygenicRegressor

PAIRS = [
    ["Trehalose", "Xylose"],
    ["Maltose", "Magnesium_Sulfate"],
    ["Indoleacetic_Acid", "Sorbitol"],
]
SMALL_CROSSES = {f"cross of 250 lines, {seed}": seed for seed in range(2000, 2005)}
UNLINKED = {f"unlinked markers, {seed}": seed for seed in range(2000, 2005)}


class WithoutAdditiveRegime(TransformerGPRegressor):
    """Encoders that read combinations of windows only."""

    def _has_additive_regime(self) -> bool:
        return False


class WithoutPolygenicTerm(TransformerGPRegressor):
    """The encoders alone, weighed against each other."""

    def fit(self, X, y):
        """Fit, and weigh the encoders anew."""
        super().fit(X, y)
        Y = _used(y)
        self.weights_[-1], self.selection_index_ = 0, np.eye(Y.shape[1])
        self.weights_[:-1], self._intercept = mixing_weights(self.out_of_fold_[:-1], Y)
        own = self._combine(self.out_of_fold_)
        self.selection_index_, added = selection_index(own, Y, self.y_scale_)
        self._intercept = self._intercept @ self.selection_index_ + added
        return self


class WithoutBorrowing(TransformerGPRegressor):
    """Traits that share encoders, but not predictions."""

    def fit(self, X, y):
        """Fit, and go back to what each trait predicts by itself."""
        super().fit(X, y)
        Y = _used(y)
        self.weights_, self._intercept = mixing_weights(self.out_of_fold_, Y)
        self.selection_index_ = np.eye(Y.shape[1])
        return self


def _used(y) -> np.ndarray:
    Y = np.asarray(y, dtype=float).reshape(len(y), -1)
    return Y[~np.isnan(Y).all(axis=1)]


def variants() -> dict[str, BaseEstimator]:
    """Name the models to compare; the first is the default."""
    make = TransformerGPRegressor
    models = {
        "default": make(),
        "no gates": make(gate_penalty=None),
        "no additive regime": WithoutAdditiveRegime(),
        "one regime, penalty .04": WithoutAdditiveRegime(gate_penalty=0.04),
        "one regime, penalty .12": WithoutAdditiveRegime(gate_penalty=0.12),
        "no learned queries": make(n_heads=0),
        "sums of windows only": make(dim_readout=0),
        "1 self-attention block": make(n_layers=1),
        "2 self-attention blocks": make(n_layers=2),
        "windows of 32": make(window_size=32),
        "windows of 128": make(window_size=128),
        "10 inner folds": make(cross_fitting=10),
        "one encoder": make(cross_fitting=None, gate_penalty=0.04),
        "no polygenic term": WithoutPolygenicTerm(),
        "polygenic term only": PolygenicRegressor(),
        "no borrowing between traits": WithoutBorrowing(),
        "each trait alone": PerTraitRegressor(make()),
    }
    for model in models.values():
        seeded = [name for name in model.get_params() if name.endswith("random_state")]
        model.set_params(**dict.fromkeys(seeded, 0))
    return models


def studies() -> dict:
    """Load or simulate the data, by name."""
    loaded = {" + ".join(pair): fetch_yeast(traits=pair, as_frame=True) for pair in PAIRS}
    kinship = {"wheat": fetch_wheat(as_frame=True), "barley": fetch_barley(as_frame=True)}
    simulated = {
        name: make_cross(250, 2000, 2, n_qtl=20, random_state=seed, as_frame=True)
        for name, seed in SMALL_CROSSES.items()
    }
    return {**loaded, **kinship, **simulated, **{k: unlinked(seed) for k, seed in UNLINKED.items()}}


def unlinked(seed: int) -> Bunch:
    """Simulate a trait of 400 diploids whose markers are inherited one by one; 20 QTL, h2 .5."""
    rng = np.random.default_rng(seed)
    X = not_linked(rng)[:400].add_prefix("marker_")
    values = X.to_numpy()[:, :20] @ rng.normal(size=20)
    y = values + values.std() * rng.normal(size=400)
    return Bunch(data=X, target=pd.DataFrame({"trait_1": y}))


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", nargs="+", choices=list(variants()), default=list(variants()))
    arguments = parser.parse_args()
    for name, study in studies().items():
        for model in arguments.models:
            if not is_done(arguments.out, dataset=name, model=model):
                append(arguments.out, run(name, study, model))


def run(dataset: str, study, model: str) -> pd.DataFrame:
    """Cross-validate one variant on the five folds of a study."""
    rows = study.target.notna().any(axis=1).to_numpy()
    pipeline = make_pipeline(DosageImputer(), variants()[model]).set_output(transform="pandas")
    return compare_models(
        {model: pipeline}, study.data[rows], study.target[rows], dataset=dataset, random_state=0
    )


if __name__ == "__main__":
    main()

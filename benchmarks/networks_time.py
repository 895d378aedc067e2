"""How long the networks take on the yeast cross, each with its defaults.

    OMP_NUM_THREADS=1 python benchmarks/networks_time.py --out benchmarks/networks_time.csv

All segregants and markers, one thread: CPU seconds of `fit` (Maltose, where there are phenotypes)
and of the use of the fitted model on 200 individuals. Each estimator is appended as it is done;
what stands in the CSV is not run again.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from results import append, is_done

from sktransformer_gp import (
    CNNGPRegressor,
    CrossAttentionGPRegressor,
    GenotypeAutoencoder,
    GenotypeGAN,
    HaplotypeCopier,
    MaskedGenotypePretrainer,
    PretrainedGPRegressor,
    datasets,
)

N_USED = 200
USES = {
    HaplotypeCopier: lambda model, X: model.sample(N_USED),
    CrossAttentionGPRegressor: lambda model, X: model.predict(X),
    CNNGPRegressor: lambda model, X: model.predict(X),
    GenotypeAutoencoder: lambda model, X: model.impute(X),
    MaskedGenotypePretrainer: lambda model, X: model.impute(X),
    GenotypeGAN: lambda model, X: model.sample(N_USED),
    PretrainedGPRegressor: lambda model, X: model.predict(X),
}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    study = datasets.fetch_yeast(traits=["Maltose"], complete_cases=True, as_frame=True)
    X, y = study.data, study.target.to_numpy().ravel()
    for estimator, use in USES.items():
        case = {"estimator": estimator.__name__}
        if not is_done(arguments.out, **case):
            append(arguments.out, [{**case, **run(estimator, use, X, y)}], digits=4)


def run(estimator: type, use, X: pd.DataFrame, y: np.ndarray) -> dict:
    """Fit with the defaults, then use, and count the seconds of this process."""
    started = time.process_time()
    model = estimator(random_state=0).fit(X, y)
    fitted = time.process_time()
    use(model, X.iloc[:N_USED])
    return {
        "n_samples": X.shape[0],
        "n_markers": X.shape[1],
        "threads": torch.get_num_threads(),
        "fit_seconds": fitted - started,
        "use_seconds": time.process_time() - fitted,
    }


if __name__ == "__main__":
    main()

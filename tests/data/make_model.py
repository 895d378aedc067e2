"""Write the model file of this release, with the predictions that it has to keep giving.

python tests/data/make_model.py tests/data/model_<release>.safetensors
"""

import sys

import numpy as np
from sklearn.pipeline import make_pipeline

from sktransformer_gp import DosageImputer, TransformerGPRegressor, save_model
from sktransformer_gp.datasets import make_cross


def main(path: str) -> None:
    cross = make_cross(n_samples=24, n_markers=16, random_state=0, as_frame=True)
    encoder = TransformerGPRegressor(
        cross_fitting=2,
        n_layers=1,
        window_size=8,
        d_model=4,
        dim_feedforward=4,
        dim_readout=4,
        max_iter=4,
        random_state=0,
    )
    model = make_pipeline(DosageImputer(), encoder).set_output(transform="pandas")
    model.fit(cross.data, cross.target)
    new = np.random.default_rng(1).integers(-1, 2, (5, 16), dtype=np.int8)
    X = cross.data.iloc[:5].mask(new >= -1, new)
    mean, std = model.predict(X, return_std=True)
    metadata = {"X": new, "mean": mean, "std": std, "traits": list(cross.target)}
    save_model(model, path, metadata=metadata)


if __name__ == "__main__":
    main(sys.argv[1])

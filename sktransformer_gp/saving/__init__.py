"""Save fitted models as safetensors files and load them without pickle.

A pickle runs what its author wants when it is loaded. A file of this module holds numbers and texts
only: arrays in the safetensors format, and parameters and metadata as JSON in its header. It is
checked from the first to the last byte before anything of it is used.

>>> import tempfile
>>> from pathlib import Path
>>> from sktransformer_gp import TransformerGPRegressor
>>> from sktransformer_gp.datasets import make_cross
>>> cross = make_cross(n_samples=60, n_markers=50, random_state=0)
>>> model = TransformerGPRegressor(max_iter=1, cross_fitting=2, random_state=0)
>>> model = model.fit(cross.data, cross.target)
>>> with tempfile.TemporaryDirectory() as folder:
...     model.save(Path(folder) / "m.safetensors")
...     loaded = TransformerGPRegressor.load(Path(folder) / "m.safetensors")
>>> bool((loaded.predict(cross.data) == model.predict(cross.data)).all())
True
"""

from sktransformer_gp.saving.container import ModelFileError
from sktransformer_gp.saving.estimators import (
    ModelFileMixin,
    load_model,
    read_metadata,
    save_model,
)

__all__ = ["ModelFileError", "ModelFileMixin", "load_model", "read_metadata", "save_model"]

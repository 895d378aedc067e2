"""What happens to dosages and phenotypes before the encoder, learned on the training rows."""

from collections.abc import Iterable
from mmap import mmap
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.feature_selection import SelectorMixin
from torch import Tensor

from sktransformer_gp.markers import chromosomes_from_names, window_index
from sktransformer_gp.preprocessing import LinkageMerger
from sktransformer_gp.relationship import column_moments, spread_or_one
from sktransformer_gp.weights import SampleWeights, weighted_mean

MAPPED_BLOCK = 2**26  # dosages read at a time from a file
PREPROCESSORS = {"linkage": LinkageMerger}


class EncoderInput:
    """Preprocess dosages, learn their centre and scale, and cut them into windows.

    Parameters
    ----------
    preprocessor : "linkage", transformer or None
        Which markers go on, and how; a transformer is cloned.
    names : ndarray of shape (n_markers,), of str
        Marker names, see :func:`sktransformer_gp.markers.input_names`.
    seed : int
        Given to a preprocessor's ``random_state`` where that is None.

    Attributes
    ----------
    preprocessor : transformer or None
        Fitted by `fit`.
    chromosomes : ndarray of shape (M,) or None
        Chromosome of each marker that goes on.
    center, scale : ndarray of shape (M,), of float64
        Mean and standard deviation of these markers; the scale of a constant marker is 1.
    n_dosages : int
        Number of dosages 0, 1, ... up to the largest.
    counts : ndarray of shape (M,)
        Number of markers that each of these stands for, where a :class:`LinkageMerger` merged them.
    """

    def __init__(self, preprocessor: Any, names: NDArray, seed: int):
        if isinstance(preprocessor, str):
            preprocessor = PREPROCESSORS[preprocessor]()
        self.preprocessor = None if preprocessor is None else _seeded(clone(preprocessor), seed)
        self.names = names

    def fit(self, X: NDArray, Y: NDArray, weights: SampleWeights | None = None) -> "EncoderInput":
        """Learn from dosages (n_samples, n_markers) and phenotypes (n_samples, n_traits).

        Weights of the samples count in centre and scale; the preprocessor has no use for them.
        """
        names = self.names
        if self.preprocessor is not None:
            self.preprocessor.fit(self._frame(X), Y)
            names = self.preprocessor.get_feature_names_out(names)
        self.chromosomes = chromosomes_from_names(names)
        Z = self.transform(X).numpy()
        self.center, self.scale = column_moments(Z, weights and weights.values)
        self.n_dosages = int(Z.max()) + 1
        groups = getattr(self.preprocessor, "groups_", np.arange(Z.shape[1]))
        self.counts = np.bincount(groups[groups >= 0], minlength=Z.shape[1])
        return self

    def transform(self, X: NDArray) -> Tensor:
        """Return the encoder's input (n_samples, M): small integers where X has them.

        Where X is mapped from a file, so is what is returned, from a temporary one.
        """
        if is_mapped(X):
            height = max(1, MAPPED_BLOCK // X.shape[1])
            blocks = (self._transform(X[s : s + height]) for s in range(0, len(X), height))
            return _map(blocks, len(X))
        return torch.from_numpy(self._transform(X))

    def _transform(self, X: NDArray) -> NDArray:
        if isinstance(self.preprocessor, SelectorMixin):
            # Without a DataFrame for the names, which scikit-learn looks at column by column.
            X = np.compress(self.preprocessor.get_support(), X, axis=1)
        elif self.preprocessor is not None:
            X = np.asarray(self.preprocessor.transform(self._frame(X)))
        integers = X.dtype in (np.int8, np.int16, np.int32)
        return np.array(X, dtype=X.dtype if integers else np.float32, order="C")

    def windows(self, size: int) -> Tensor:
        """Return the markers of each window, (T, W)."""
        return torch.tensor(window_index(self.chromosomes, len(self.center), size))

    def _frame(self, X: NDArray) -> pd.DataFrame:
        # Nobody writes to it: pandas would copy an array, even one on disk.
        return pd.DataFrame(X, columns=self.names, copy=False)


def is_mapped(X: NDArray) -> bool:
    """Tell whether an array lies in a file that is mapped into memory.

    Parameters
    ----------
    X : ndarray
        An array, or a view of one.

    Returns
    -------
    bool
        Whether it does.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.inputs import is_mapped
    >>> is_mapped(np.zeros(3)[1:])
    False
    """
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return isinstance(X, mmap)


def _map(blocks: Iterable[NDArray], n_rows: int) -> Tensor:
    """Write blocks of rows to a file that is gone with the tensor."""
    with TemporaryFile() as file:
        for block in blocks:
            file.write(block.data)
        file.flush()
        mapped = np.memmap(file, dtype=block.dtype, mode="r+", shape=(n_rows, block.shape[1]))
        return torch.from_numpy(mapped)


def check_classes(Z: Tensor, n_dosages: int) -> None:
    """Check that dosages can be looked up in an embedding.

    Parameters
    ----------
    Z : Tensor of shape (n_samples, M)
        Dosages.
    n_dosages : int
        Number of dosages 0, 1, ... in the training rows.

    Raises
    ------
    ValueError
        If a dosage is not one of them.

    Examples
    --------
    >>> import torch
    >>> from sktransformer_gp.inputs import check_classes
    >>> check_classes(torch.tensor([[0, 1]]), n_dosages=2)
    """
    bad = Z[(Z < 0) | (Z >= n_dosages) | (Z != Z.round())]
    if len(bad):
        raise ValueError(
            f"tokens='embedding' looks up the dosages {list(range(n_dosages))} of the training "
            f"rows, got {bad[0].item():g}"
        )


def _seeded(preprocessor: Any, seed: int) -> Any:
    parameters = preprocessor.get_params().items()
    unset = [k for k, v in parameters if k.split("__")[-1] == "random_state" and v is None]
    return preprocessor.set_params(**dict.fromkeys(unset, seed))


class TraitScale:
    """Standardise traits and turn predictions back into their units.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_traits)
        Training phenotypes, NaN = not observed.
    weights : SampleWeights or None, default=None
        Weights of the samples; None = all 1.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_traits,)
        Mean and standard deviation of the observed phenotypes; the scale of a constant trait is 1.
    """

    def __init__(self, Y: NDArray, weights: SampleWeights | None = None):
        self.mean = weighted_mean(Y, weights)
        variance = weighted_mean(np.square(Y - self.mean), weights)
        self.scale = spread_or_one(np.sqrt(variance), self.mean)

    def standardise(self, Y: NDArray) -> NDArray:
        """Return (Y - mean) / scale, NaN where not observed."""
        return (Y - self.mean) / self.scale

    def restore(self, Z: NDArray) -> NDArray:
        """Return Z * scale + mean."""
        return Z * self.scale + self.mean

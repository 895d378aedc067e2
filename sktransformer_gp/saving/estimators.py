"""Fitted estimators in a file, without pickle."""

import os
from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.saving.container import (
    ModelFileError,
    read_container,
    reading,
    write_container,
)
from sktransformer_gp.saving.tree import Arrays, decode, encode


def save_model(
    estimator: BaseEstimator, path: str | os.PathLike, metadata: dict[str, Any] | None = None
) -> None:
    """Write a fitted model to a safetensors file.

    The file appears whole or not at all: it is written beside the target and then renamed.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor or transformer of this package, or a scikit-learn Pipeline of them.
    path : str or path-like
        The file, by custom ``*.safetensors``; one that is there is replaced.
    metadata : dict, default=None
        What else belongs to the model (marker map, names and units of traits): texts as keys, and
        numbers, texts, None, arrays of numbers or texts, lists, tuples or dicts as values; of a
        table, ``frame.to_dict("list")``. None = {}.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator, its parameters or the metadata hold anything else, such as a preprocessor
        of your own; the message says where. ``joblib.dump`` saves such a model.
    ValueError
        If the model has been changed by hand and its arrays do not fit each other, a pipeline has
        a memory, or texts and lists take more than 100 MB.
    OSError
        If the file cannot be written; one that was there is as it was.

    See Also
    --------
    load_model : Read the model.
    sktransformer_gp.saving.read_metadata : Read the metadata.

    Notes
    -----
    Saved are all parameters and all that predictions need, bit for bit, and what else `fit`
    learned. Not saved are the record of the training in ``net_.history`` (`loss_curve_` is saved)
    with optimiser and callbacks, and requests of scikit-learn's metadata routing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sktransformer_gp import GBLUPRegressor, load_model, save_model
    >>> from sktransformer_gp.saving import read_metadata
    >>> model = GBLUPRegressor().fit([[0, 1], [1, 1], [2, 0], [2, 1]], [1.0, 2.0, 3.5, 3.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.safetensors"
    ...     save_model(model, path, metadata={"trait": "yield", "unit": "t/ha"})
    ...     loaded, metadata = load_model(path), read_metadata(path)
    >>> bool(loaded.predict([[0, 0]]) == model.predict([[0, 0]])), metadata
    (True, {'trait': 'yield', 'unit': 't/ha'})
    """
    check_is_fitted(estimator)
    tensors: Arrays = {}
    content = {
        name: encode(value, name, tensors)
        for name, value in {"model": estimator, "metadata": dict(metadata or {})}.items()
    }
    write_container(path, content, tensors)


def load_model(path: str | os.PathLike) -> BaseEstimator:
    """Read a model that `save_model` wrote.

    Nothing in the file is run, whoever wrote it, and it is checked before it is used: its sha256,
    the version of the format, and whether all parts are there and fit each other.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator
        The model: it predicts what the saved one predicted, bit for bit on the same machine, and
        can be cloned and fitted again. An encoder that was fitted on a GPU is on the CPU where
        there is no such GPU.

    Raises
    ------
    ModelFileError
        If the file is cut off, changed, of an unknown version or no model file at all.
    OSError
        If the file cannot be read.

    See Also
    --------
    save_model : Write the file, with an example.

    Examples
    --------
    >>> from sktransformer_gp import load_model
    >>> model = load_model("model.safetensors")  # doctest: +SKIP
    """
    model, _ = _read(path)
    return model


def read_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """Read what was given to `save_model` beside the model.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    dict
        The metadata, {} where there was none.

    Raises
    ------
    ModelFileError
        If the file is cut off, changed, of an unknown version or no model file at all.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> from sktransformer_gp.saving import read_metadata
    >>> metadata = read_metadata("model.safetensors")  # doctest: +SKIP
    """
    _, metadata = _read(path)
    return metadata


class ModelFileMixin:
    """Add ``save`` and ``load`` to an estimator of this package."""

    def save(self, path: str | os.PathLike, metadata: dict[str, Any] | None = None) -> None:
        """Write the fitted model to a safetensors file; see :func:`save_model`.

        Parameters
        ----------
        path : str or path-like
            The file; one that is there is replaced.
        metadata : dict, default=None
            What else belongs to the model, for :func:`sktransformer_gp.saving.read_metadata`.
        """
        save_model(self, path, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read a model of this class from a file; see :func:`load_model`.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        estimator
            The fitted model.

        Raises
        ------
        ModelFileError
            If the file is damaged, or holds a model of another class.
        """
        model = load_model(path)
        if not isinstance(model, cls):
            raise ModelFileError(
                f"cannot load {os.fspath(path)}: it holds a {type(model).__name__}, not a "
                f"{cls.__name__}; load_model loads either"
            )
        return model


def _read(path: str | os.PathLike) -> tuple[BaseEstimator, dict[str, Any]]:
    with reading(path):
        content, tensors = read_container(path)
        model, metadata = (decode(content[name], tensors) for name in ("model", "metadata"))
        check_is_fitted(model)
        if tensors or not isinstance(metadata, dict):
            raise ValueError(f"it has more than model and metadata: {list(tensors)}, {metadata!r}")
    return model, metadata

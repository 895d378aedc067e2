"""Fitted models as a tree of JSON values and named arrays, and back.

What JSON has no form for is an object whose first key says what it is: ``{"float": "nan"}``,
``{"scalar": "float64", "value": 0.5}``, ``{"tuple": [1, 2]}``, ``{"slice": [null, null, null]}``,
``{"dict": {"a": 1}}``, ``{"array": "<name>"}``, ``{"texts": "<name>", "shape": [3]}``,
``{"characters": "<name>"}`` and ``{"object": "<class>", "state": {...}}``. The arrays stand beside
the JSON, named by their place in the tree, and each is used once: what a file makes in memory is
in proportion to the file.

Only the classes of `CLASSES` are written and read. Reading calls nothing that a file names: it
makes an object of the class and sets its attributes, which are data again.
"""

import json
import math
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sktransformer_gp.saving.shapes import check_fitted

# The module of each class that a file may hold. A name here is part of the format: where a class
# moves, its module changes and the name stays.
CLASSES = {
    "AssociationSelector": "sktransformer_gp.preprocessing",
    "CNNGPRegressor": "sktransformer_gp.networks.cnn",
    "CrossAttentionGPRegressor": "sktransformer_gp.networks.cross_attention",
    "DosageImputer": "sktransformer_gp.preprocessing",
    "DosageScaler": "sktransformer_gp.preprocessing",
    "EncoderInput": "sktransformer_gp.inputs",
    "EncoderNet": "sktransformer_gp.training",
    "FixedEffectsRegressor": "sktransformer_gp.fixed_effects",
    "GBLUPRegressor": "sktransformer_gp.gblup",
    "GenotypeAutoencoder": "sktransformer_gp.networks.autoencoder",
    "GenotypeCoder": "sktransformer_gp.preprocessing",
    "HaplotypeCopier": "sktransformer_gp.networks.copying",
    "LinkageMerger": "sktransformer_gp.preprocessing",
    "LinkageRegression": "sktransformer_gp.preprocessing.neighbours",
    "MaskedGenotypePretrainer": "sktransformer_gp.networks.pretraining",
    "MinorAlleleFilter": "sktransformer_gp.preprocessing",
    "MutualInformationSelector": "sktransformer_gp.preprocessing",
    "NearestSamples": "sktransformer_gp.preprocessing.neighbours",
    "PerTraitRegressor": "sktransformer_gp.per_trait",
    "Pipeline": "sklearn.pipeline",
    "PolygenicRegressor": "sktransformer_gp.polygenic",
    "PretrainedGPRegressor": "sktransformer_gp.networks.pretrained",
    "RKHSRegressor": "sktransformer_gp.rkhs",
    "SNPBLUPRegressor": "sktransformer_gp.snp_blup",
    "SeededNet": "sktransformer_gp.training",
    "TraitScale": "sktransformer_gp.inputs",
    "TransformerGPRegressor": "sktransformer_gp.regressor",
}
# Other people's classes, and those that inherit from them, may change their attributes: a module
# with `get_state` and `from_state` writes what rebuilds them. Imported late: nets need torch.
STATES = {
    "EncoderNet": "sktransformer_gp.saving.nets",
    "Pipeline": "sktransformer_gp.saving.pipelines",
    "SeededNet": "sktransformer_gp.saving.nets",
}
# scikit-learn's routing of sample weights is for the search or the scorer around a model.
NOT_SAVED = "_metadata_request"
NUMBERS = {
    np.dtype(name).name: np.dtype(name).type
    for name in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
}

Arrays = dict[str, NDArray]


def encode(value: Any, name: str, arrays: Arrays) -> Any:
    """Return a value's tree, and add its arrays to `arrays`.

    Parameters
    ----------
    value : object
        A number, text, None, slice, list, tuple, dict with texts as keys, NumPy scalar or array of
        numbers or texts, an object of one of `CLASSES`, or any nesting of these.
    name : str
        Its place in the tree, for arrays' names and messages.
    arrays : dict of str to ndarray
        Gets the arrays, C-contiguous.

    Returns
    -------
    None, bool, int, float, str, list or dict
        What JSON can hold.

    Raises
    ------
    TypeError
        If the value, or one within it, is of another type; the message says where it stands.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.saving.tree import decode, encode
    >>> arrays = {}
    >>> tree = encode({"maf": np.array([0.1, 0.5]), "unit": ("t", "ha")}, "metadata", arrays)
    >>> tree
    {'dict': {'maf': {'array': 'metadata.maf'}, 'unit': {'tuple': ['t', 'ha']}}}
    >>> decode(tree, arrays)
    {'maf': array([0.1, 0.5]), 'unit': ('t', 'ha')}
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, np.generic):
        return _encode_scalar(value, name, arrays)
    encoder = _ENCODERS.get(type(value)) or _encode_object
    return encoder(value, name, arrays)


def decode(tree: Any, arrays: Arrays) -> Any:
    """Return the value of a tree.

    Parameters
    ----------
    tree : None, bool, int, float, str, list or dict
        What `encode` returned.
    arrays : dict of str to ndarray
        The arrays; those of the tree are taken out.

    Returns
    -------
    object
        The value.

    Raises
    ------
    Exception
        Of any kind where tree and arrays are not what `encode` writes.
    """
    if isinstance(tree, list):
        return [decode(value, arrays) for value in tree]
    if not isinstance(tree, dict):
        return tree
    form = next(iter(tree), None)
    if form not in _DECODERS:
        raise ValueError(f"it holds {form!r}, which this release does not know")
    return _DECODERS[form](tree, arrays)


def _encode_float(value: float, name: str, arrays: Arrays) -> Any:
    return value if math.isfinite(value) else {"float": repr(value)}


def _encode_scalar(value: np.generic, name: str, arrays: Arrays) -> Any:
    if isinstance(value, np.str_):
        return str(value)
    if value.dtype.name not in NUMBERS:
        _refuse(value, name)
    return {"scalar": value.dtype.name, "value": encode(value.item(), name, arrays)}


def _decode_scalar(tree: dict, arrays: Arrays) -> np.generic:
    return NUMBERS[tree["scalar"]](decode(tree["value"], arrays))


def _encode_list(value: list | tuple, name: str, arrays: Arrays) -> list:
    return [encode(entry, f"{name}.{i}", arrays) for i, entry in enumerate(value)]


def _encode_tuple(value: tuple, name: str, arrays: Arrays) -> dict:
    return {"tuple": _encode_list(value, name, arrays)}


def _encode_slice(value: slice, name: str, arrays: Arrays) -> dict:
    return {"slice": _encode_list((value.start, value.stop, value.step), name, arrays)}


def _encode_dict(value: dict, name: str, arrays: Arrays) -> dict:
    if not all(type(key) is str for key in value):
        _refuse(value, name)
    return {"dict": {key: encode(v, f"{name}.{key}", arrays) for key, v in value.items()}}


def _decode_dict(tree: dict, arrays: Arrays) -> dict:
    return {key: decode(value, arrays) for key, value in tree["dict"].items()}


def _encode_array(value: NDArray, name: str, arrays: Arrays) -> dict:
    if value.dtype.kind == "U":
        # As NumPy has them, four bytes each: texts of one width cannot be cut apart elsewhere.
        points = np.ascontiguousarray(value[..., None], dtype=value.dtype.newbyteorder("="))
        return {"characters": _add(points.view(np.uint32), name, arrays)}
    if value.dtype.kind == "O":
        texts = value.ravel().tolist()
        if not all(isinstance(text, str) for text in texts):
            _refuse(value, name)
        listing = np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8)
        return {"texts": _add(listing, name, arrays), "shape": list(value.shape)}
    if value.dtype.name not in NUMBERS:
        _refuse(value, name)
    # The order of axes in memory decides how BLAS sums: kept, predictions are equal bit for bit.
    axes = np.argsort([-abs(stride) for stride in value.strides], kind="stable").tolist()
    ordered = value.transpose(axes).astype(value.dtype.newbyteorder("="), order="C", copy=False)
    tree = {"array": _add(ordered, name, arrays)}
    return tree if axes == sorted(axes) else {**tree, "axes": axes}


def _decode_array(tree: dict, arrays: Arrays) -> NDArray:
    array = arrays.pop(tree["array"])
    return array.transpose(np.argsort(tree["axes"])) if "axes" in tree else array


def _decode_texts(tree: dict, arrays: Arrays) -> NDArray:
    texts = json.loads(arrays.pop(tree["texts"]).tobytes())
    if not all(type(text) is str for text in texts):
        raise ValueError(f"{tree['texts']} holds what is not a text")
    return np.array(texts, dtype=object).reshape(tree["shape"])


def _decode_characters(tree: dict, arrays: Arrays) -> NDArray:
    points = arrays.pop(tree["characters"])
    if points.dtype != np.uint32 or points.max(initial=0) > sys.maxunicode:
        raise ValueError(f"{tree['characters']} holds what is not a character")
    return points.view(f"U{points.shape[-1]}")[..., 0]


def _add(array: NDArray, name: str, arrays: Arrays) -> str:
    # {"a": {"b": x}, "a.b": y} has one name for two places.
    while name in arrays:
        name += "_"
    arrays[name] = array
    return name


def _encode_object(value: Any, name: str, arrays: Arrays) -> dict:
    kind = type(value).__name__
    if kind not in CLASSES or _class_of(kind) is not type(value):
        _refuse(value, name)
    if kind in STATES:
        state = import_module(STATES[kind]).get_state(value)
    else:
        check_fitted(value)
        state = {key: v for key, v in vars(value).items() if key != NOT_SAVED}
    return {
        "object": kind,
        "state": {key: encode(v, f"{name}.{key}", arrays) for key, v in state.items()},
    }


def _decode_object(tree: dict, arrays: Arrays) -> Any:
    kind = tree["object"]
    if kind not in CLASSES:
        raise ValueError(f"it holds an object of the class {kind!r}; known are {list(CLASSES)}")
    state = {key: decode(value, arrays) for key, value in tree["state"].items()}
    if kind in STATES:
        return import_module(STATES[kind]).from_state(state)
    return _restore(_class_of(kind), state)


def _restore(cls: type, state: dict[str, Any]) -> Any:
    # A method that is hidden by data would fail far from here.
    hiding = [key for key in state if key.startswith("__") or hasattr(cls, key)]
    if hiding:
        raise ValueError(f"{cls.__name__}.{hiding[0]} is not to be set by a file")
    # A parameter that is younger than the file has its default.
    restored = cls() if issubclass(cls, BaseEstimator) else object.__new__(cls)
    vars(restored).update(state)
    check_fitted(restored)
    return restored


def _class_of(kind: str) -> type:
    return getattr(import_module(CLASSES[kind]), kind)


def _refuse(value: Any, name: str) -> NoReturn:
    found = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, np.ndarray | np.generic):
        found += f" of {value.dtype}"
    raise TypeError(
        f"{name} is {found}, which a model file cannot hold. It holds numbers, texts, None, "
        "slices, lists, tuples, dicts with texts as keys, arrays of numbers or texts, and objects "
        f"of the classes {', '.join(CLASSES)}. joblib.dump saves any object, but loading such a "
        "file runs whatever its author put in"
    )


_ENCODERS: dict[type, Callable[[Any, str, Arrays], Any]] = {
    float: _encode_float,
    list: _encode_list,
    tuple: _encode_tuple,
    slice: _encode_slice,
    dict: _encode_dict,
    np.ndarray: _encode_array,
    np.memmap: _encode_array,
}
_DECODERS = {
    "float": lambda tree, arrays: float(tree["float"]),
    "scalar": _decode_scalar,
    "tuple": lambda tree, arrays: tuple(decode(tree["tuple"], arrays)),
    "slice": lambda tree, arrays: slice(*decode(tree["slice"], arrays)),
    "dict": _decode_dict,
    "array": _decode_array,
    "texts": _decode_texts,
    "characters": _decode_characters,
    "object": _decode_object,
}

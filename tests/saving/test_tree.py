import json
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import Ridge

from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.preprocessing import LinkageMerger
from sktransformer_gp.saving.tree import CLASSES, NUMBERS, decode, encode

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.slices(20))
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text(), inner)
    ),
    max_leaves=20,
)
ARRAYS = hnp.arrays(
    st.sampled_from([*NUMBERS, ">f8", "<U3", ">U2"]),
    hnp.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=4),
)


class Kin(GBLUPRegressor):
    """A user's own class, of a known kind."""


def through_json(value):
    arrays = {}
    tree = json.dumps(encode(value, "x", arrays), allow_nan=False)
    assert all(array.flags.c_contiguous for array in arrays.values())
    copies = {name: array.copy() for name, array in arrays.items()}
    back = decode(json.loads(tree), copies)
    assert not copies
    return back


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_plain_values_come_back_with_their_types(value):
    # repr tells 1 from 1.0 and True, tuples from lists, and shows nan as equal to nan.
    assert repr(through_json(value)) == repr(value)


@settings(max_examples=200, deadline=None)
@given(ARRAYS)
def test_arrays_come_back_with_values_and_dtype(array):
    back = through_json(array)

    # Bit for bit, -0.0 and the payload of nan included; the byte order becomes this machine's.
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.shape == array.shape
    assert back.tobytes() == array.astype(back.dtype).tobytes()


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_the_order_of_axes_in_memory_is_kept(axes):
    array = np.arange(24.0).reshape(2, 3, 4).transpose(axes)
    back = through_json(array)

    np.testing.assert_array_equal(back, array)
    assert back.strides == array.strides


def test_every_other_column_and_reversed_rows():
    array = np.arange(40, dtype=np.int8).reshape(4, 10)[::-1, ::2]

    np.testing.assert_array_equal(through_json(array), array, strict=True)


@pytest.mark.parametrize("name", NUMBERS)
def test_scalars_keep_their_type(name):
    scalar = np.ones((), dtype=name)[()]
    back = through_json(scalar)

    assert type(back) is type(scalar)
    assert back == scalar


@pytest.mark.parametrize("value", [np.float64("nan"), np.float32(0.1), np.float64(-np.inf)])
def test_scalars_that_json_cannot_hold(value):
    back = through_json(value)

    assert back.dtype == value.dtype
    np.testing.assert_array_equal(back, value)


def test_arrays_of_texts():
    names = np.array([["1:10:ä", '"'], ["\ud800", "a\nb\0"]], dtype=object)
    back = through_json(names)

    assert back.dtype == object
    assert back.tolist() == names.tolist()
    assert through_json(np.array([], dtype=object)).shape == (0,)


def test_a_text_out_of_an_array_is_a_text():
    assert type(through_json(np.array(["chr01"])[0])) is str


def test_two_places_of_one_name_keep_their_arrays():
    value = {"a": {"b": np.array([1.0])}, "a.b": np.array([2.0]), "a.b_": np.array([3.0])}
    back = through_json(value)

    assert (back["a"]["b"], back["a.b"], back["a.b_"]) == ([1.0], [2.0], [3.0])


def test_fitted_objects_come_back():
    X = np.array([[0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 2]], dtype=np.int8)
    merger = LinkageMerger(r2=0.9).fit(X)
    back = through_json([merger])[0]

    assert type(back) is LinkageMerger
    assert back.get_params() == merger.get_params()
    np.testing.assert_array_equal(back.transform(X), merger.transform(X))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Ridge(), "sklearn.linear_model._ridge.Ridge"),
        (Kin(), "Kin"),
        (lambda x: x, "function"),
        ({1, 2}, "builtins.set"),
        ({1: "a"}, "builtins.dict"),
        (1j, "builtins.complex"),
        (b"bytes", "builtins.bytes"),
        (np.random.RandomState(0), "RandomState"),
        (pd.DataFrame({"a": [1]}), "DataFrame"),
        (np.ma.array([1.0], mask=[True]), "MaskedArray"),
        (np.array([1j]), "numpy.ndarray of complex128"),
        (np.array(["2024-01-01"], dtype="M8[D]"), r"numpy.ndarray of datetime64\[D\]"),
        (np.array(["a", None], dtype=object), "numpy.ndarray of object"),
        (np.zeros(2, dtype=[("a", "i4")]), "numpy.ndarray of .*i4"),
        (np.complex64(1), "numpy.complex64 of complex64"),
    ],
)
def test_what_has_no_form_is_refused_with_its_place(value, found):
    with pytest.raises(TypeError, match=rf"model\.steps\.0\.inner is .*{found}.*joblib"):
        encode({"steps": [{"inner": value}]}, "model", {})


@pytest.mark.parametrize(
    ("tree", "error", "reason"),
    [
        ({}, ValueError, "None, which this release does not know"),
        ({"lambda": "x: x"}, ValueError, "'lambda', which this release does not know"),
        ({"object": "os.system", "state": {}}, ValueError, "class 'os.system'; known are"),
        ({"object": ["a"], "state": {}}, TypeError, "unhashable"),
        ({"array": "missing"}, KeyError, "missing"),
        ([{"array": "a"}, {"array": "a"}], KeyError, "a"),
        ({"array": "a", "axes": [0, 0]}, ValueError, "axes"),
        ({"texts": "a", "shape": [3]}, ValueError, "."),
        ({"texts": "numbers", "shape": [2]}, ValueError, "not a text"),
        ({"texts": "listing", "shape": [10**9]}, ValueError, "cannot reshape"),
        ({"characters": "a"}, ValueError, "not a character"),
        ({"characters": "far"}, ValueError, "not a character"),
        ({"scalar": "int64", "value": 10**30}, OverflowError, "too large"),
        ({"scalar": "object", "value": 1}, KeyError, "object"),
        ({"slice": [1, 2, 3, 4]}, TypeError, "slice"),
        ({"float": "12 apples"}, ValueError, "apples"),
        ({"dict": 3}, AttributeError, "items"),
    ],
)
def test_what_encode_does_not_write_is_an_error(tree, error, reason):
    arrays = {
        "a": np.array([1.0]),
        "numbers": np.frombuffer(b"[1, 2]", dtype=np.uint8),
        "listing": np.frombuffer(b'["a", "b"]', dtype=np.uint8),
        "far": np.array([[2**32 - 1]], dtype=np.uint32),
    }
    with pytest.raises(error, match=reason):
        decode(tree, arrays)


@pytest.mark.parametrize("name", ["fit", "predict", "__class__", "__dict__", "__reduce__"])
def test_a_file_cannot_hide_a_method(name):
    tree = {"object": "GBLUPRegressor", "state": {name: "data"}}

    with pytest.raises(ValueError, match=f"GBLUPRegressor.{name} is not to be set"):
        decode(tree, {})


def test_a_parameter_younger_than_the_file_has_its_default():
    assert decode({"object": "LinkageMerger", "state": {}}, {}).r2 == LinkageMerger().r2


def test_requests_of_metadata_routing_are_left_out():
    model = GBLUPRegressor()
    model._metadata_request = object()

    assert encode(model, "model", {}) == {
        "object": "GBLUPRegressor",
        "state": {"fixed_effects": None, "weighting": "repeats"},
    }


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_where_the_table_says(name):
    assert getattr(import_module(CLASSES[name]), name).__name__ == name

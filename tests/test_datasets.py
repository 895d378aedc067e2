import functools
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from sktransformer_gp import datasets, download, simulation, sources
from sktransformer_gp.datasets import fetch_barley, fetch_mice, fetch_wheat, fetch_yeast

NAN = np.nan
FETCHERS = {"yeast": fetch_yeast, "wheat": fetch_wheat, "mice": fetch_mice, "barley": fetch_barley}
KEYS = {
    *("data", "target", "feature_names", "target_names", "sample_names", "chromosomes"),
    *("positions", "groups", "covariates", "DESCR"),
}


@pytest.fixture
def small(monkeypatch):
    """A study of four samples, three markers and three traits in the place of the mice."""

    def read(data_home):
        names = ["a", "b", "c", "d"]
        phenotypes = [[1, NAN, NAN], [2, 5, NAN], [NAN, 6, NAN], [4, 7, NAN]]
        return Bunch(
            data=np.arange(12, dtype=np.int8).reshape(4, 3),
            target=pd.DataFrame(phenotypes, names, ["height", "yield", "oil"]),
            feature_names=np.array(["1:1", "1:2", "2:1"], dtype=object),
            chromosomes=np.array(["1", "1", "2"], dtype=object),
            positions=np.array([1, 2, 1]),
            groups=np.array(["x", "x", "y", "z"], dtype=object),
            covariates=pd.DataFrame({"sex": ["F", "M", "F", "M"]}, names),
            DESCR="four samples",
        )

    monkeypatch.setattr(datasets, "read_mice", read)


def test_bunch_has_the_documented_keys(small):
    study = fetch_mice()
    assert set(study) == KEYS
    assert isinstance(study, Bunch)
    assert study.target_names == ["height", "yield", "oil"]
    assert study.sample_names.tolist() == ["a", "b", "c", "d"]
    assert study.target.dtype == np.float64
    assert study.target.flags.writeable


def test_traits_are_picked_in_the_order_asked_for(small):
    study = fetch_mice(traits=["yield", "height"])
    assert study.target_names == ["yield", "height"]
    np.testing.assert_array_equal(study.target, [[NAN, 1], [5, 2], [6, NAN], [7, 4]])
    assert study.data.shape == (4, 3)


def test_complete_cases_looks_at_the_chosen_traits_and_keeps_rows_together(small):
    study = fetch_mice(traits=["height", "yield"], complete_cases=True)
    np.testing.assert_array_equal(study.target, [[2, 5], [4, 7]])
    np.testing.assert_array_equal(study.data, [[3, 4, 5], [9, 10, 11]])
    assert study.sample_names.tolist() == ["b", "d"]
    assert study.groups.tolist() == ["x", "z"]
    assert study.covariates["sex"].to_dict() == {"b": "M", "d": "M"}
    one = fetch_mice(traits=["height"], complete_cases=True)
    assert one.sample_names.tolist() == ["a", "b", "d"]
    assert one.target.shape == (3, 1)


def test_no_complete_sample_is_an_error(small):
    with pytest.raises(ValueError, match=r"no sample has a phenotype for each of .*'oil'"):
        fetch_mice(complete_cases=True)


def test_as_frame_names_rows_and_columns(small):
    arrays = fetch_mice(traits=["yield", "height"], complete_cases=True)
    frames = fetch_mice(traits=["yield", "height"], complete_cases=True, as_frame=True)
    expected = pd.DataFrame(arrays.data, ["b", "d"], ["1:1", "1:2", "2:1"])
    pd.testing.assert_frame_equal(frames.data, expected)
    assert set(frames.data.dtypes) == {np.dtype(np.int8)}
    expected = pd.DataFrame(arrays.target, ["b", "d"], ["yield", "height"])
    pd.testing.assert_frame_equal(frames.target, expected)


@pytest.mark.parametrize("as_frame", [False, True])
def test_return_X_y(small, as_frame):
    study = fetch_mice(traits=["yield"], as_frame=as_frame)
    X, y = fetch_mice(traits=["yield"], as_frame=as_frame, return_X_y=True)
    assert type(X) is type(y) is (pd.DataFrame if as_frame else np.ndarray)
    np.testing.assert_array_equal(X, study.data)
    np.testing.assert_array_equal(y, study.target)


@pytest.mark.parametrize("traits", [["colour"], ["yield", "Yield"], "yield", [], ["oil", "oil"]])
def test_bad_traits_name_the_valid_ones(small, traits):
    with pytest.raises(ValueError) as caught:
        fetch_mice(traits=traits)
    assert f"got {traits!r}" in str(caught.value)
    assert "['height', 'yield', 'oil']" in str(caught.value)


def test_make_cross_is_public_here():
    assert datasets.make_cross is simulation.make_cross
    assert set(datasets.make_cross(20, 50, random_state=0)) > KEYS


@pytest.mark.parametrize(
    ("name", "shape", "n_missing"),
    [
        ("yeast", (1008, 11623, 46), 2422),
        ("wheat", (599, 1279, 4), 0),
        ("mice", (1814, 10346, 20), 5071),
        ("barley", (1590, 2187, 12), 1590 * 12 - 2 * 2104),
    ],
)
def test_sizes_of_the_real_sets(real_data, name, shape, n_missing):
    study = FETCHERS[name](data_home=real_data)
    assert set(study) == KEYS
    n_samples, n_markers, n_traits = shape
    assert study.data.shape == (n_samples, n_markers)
    assert study.target.shape == (n_samples, n_traits)
    assert len(study.feature_names) == n_markers
    assert len(study.target_names) == n_traits
    assert len(study.sample_names) == n_samples
    assert np.isnan(study.target).sum() == n_missing
    assert (study.groups is not None) == (name == "mice")
    missing_genotypes = {"barley": 9207}.get(name, 0)
    assert (study.data == -1).sum() == missing_genotypes


def test_yeast_practical_traits(real_data):
    # Counts and correlation as published with the mirrored files.
    both = fetch_yeast(data_home=real_data, traits=["Lactate", "Lactose"])
    assert np.isnan(both.target).sum(axis=0).tolist() == [35, 4]
    complete = fetch_yeast(
        data_home=real_data, traits=["Lactate", "Lactose"], complete_cases=True, as_frame=True
    )
    assert complete.data.shape == (971, 11623)
    assert complete.data.index.equals(complete.target.index)
    assert complete.target.corr().iloc[0, 1] == pytest.approx(0.796, abs=5e-4)


def test_variable_names_the_folder(real_data, monkeypatch):
    monkeypatch.setenv("SKTRANSFORMER_GP_DATA", str(real_data))
    X, y = fetch_wheat(return_X_y=True)
    assert (X.shape, y.shape) == ((599, 1279), (599, 4))


@pytest.fixture
def loopback(real_data, monkeypatch):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=real_data)
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(download, "SOURCE", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


def test_fresh_machine_downloads_then_needs_no_network(loopback, tmp_path, monkeypatch):
    first = fetch_wheat(data_home=tmp_path)
    assert (tmp_path / sources.WHEAT.path).stat().st_size == sources.WHEAT.size
    monkeypatch.setattr(download, "SOURCE", "http://127.0.0.1:9")  # nothing listens here
    np.testing.assert_array_equal(first.data, fetch_wheat(data_home=tmp_path).data)


def test_half_written_real_file_is_an_error(real_data, tmp_path):
    half = tmp_path / sources.WHEAT.path
    half.parent.mkdir(parents=True)
    shutil.copyfile(real_data / sources.WHEAT.path, half)
    with open(half, "r+b") as content:
        content.truncate(sources.WHEAT.size // 2)
    with pytest.raises(datasets.DownloadError, match="half-written"):
        fetch_wheat(data_home=tmp_path)
    assert half.stat().st_size == sources.WHEAT.size // 2

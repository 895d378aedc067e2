"""Saving as a whole: files of earlier releases, and files that are damaged or forged."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sktransformer_gp
from sktransformer_gp import saving

RELEASES = sorted((Path(__file__).parent / "data").glob("model_*.safetensors"))
FUZZ = Path(__file__).parents[1] / "benchmarks" / "fuzz_saving.py"


def test_there_is_a_file_of_a_release():
    assert RELEASES


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
def test_files_of_earlier_releases_predict_what_they_did(path):
    model, recorded = saving.load_model(path), saving.read_metadata(path)
    X = pd.DataFrame(recorded["X"], columns=model.feature_names_in_)
    mean, std = model.predict(X, return_std=True)

    assert (recorded["X"] == -1).any()
    # Another machine sums in another order.
    np.testing.assert_allclose(mean, recorded["mean"], rtol=1e-9)
    np.testing.assert_allclose(std, recorded["std"], rtol=1e-9)
    assert path.stat().st_size < 50_000


def test_damaged_and_forged_files_are_refused_or_harmless():
    pytest.importorskip("resource")  # not on Windows
    spec = importlib.util.spec_from_file_location("fuzz_saving", FUZZ)
    fuzz_saving = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz_saving)
    outcomes = pd.DataFrame(fuzz_saving.fuzz(n_files=300, seed=1))

    harmless = {"refused", "loaded, predicts", "loaded, does not predict"}
    assert set(outcomes["outcome"]) <= harmless
    damaged = outcomes["change"].isin([change.__name__ for change in fuzz_saving.DAMAGES])
    assert set(outcomes.loc[damaged, "outcome"]) == {"refused"}
    assert damaged.sum() == 150
    assert outcomes["grown_mb"].sum() < 200
    # Forgeries that change nothing of note are loaded: the others are not refused wholesale.
    assert (outcomes["outcome"] == "loaded, predicts").sum() > 10


def test_public_names():
    assert set(saving.__all__) <= set(dir(saving))
    assert sktransformer_gp.load_model is saving.load_model
    assert sktransformer_gp.save_model is saving.save_model
    assert issubclass(saving.ModelFileError, ValueError)

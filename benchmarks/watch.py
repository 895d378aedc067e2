"""Watch the speed of the parts: has a change of the code made one of them slower?

    pip install -e '.[benchmark]'
    pytest benchmarks/watch.py --benchmark-autosave
    pytest benchmarks/watch.py --benchmark-compare --benchmark-compare-fail=median:20%

The first saves what this machine takes, before a change; the second compares with what was saved
last. No test of the suite, since seconds are those of a machine: only the same quiet one tells.
"""

import numpy as np
import pytest

from sktransformer_gp import LinkageMerger, compare_models
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.models import make_model

MODELS = ["transformer", "gblup", "rkhs", "lasso"]


@pytest.fixture(scope="module")
def cross():
    return make_cross(n_samples=250, n_markers=5000, n_traits=2, random_state=0)


@pytest.fixture(scope="module")
def candidates(cross):
    return np.resize(cross.data, (2000, cross.data.shape[1]))


@pytest.mark.parametrize("name", MODELS)
def test_fit(benchmark, cross, name):
    model = make_model(name)
    benchmark.pedantic(model.fit, (cross.data, cross.target), rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("name", MODELS)
def test_predict(benchmark, cross, candidates, name):
    model = make_model(name).fit(cross.data, cross.target)
    benchmark(model.predict, candidates)


def test_merging_of_markers(benchmark, cross):
    benchmark(LinkageMerger().fit_transform, cross.data)


def test_comparison(benchmark, cross):
    model = {"gblup": make_model("gblup")}
    benchmark.pedantic(compare_models, (model, cross.data, cross.target), rounds=3)

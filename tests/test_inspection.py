import subprocess
import sys

import pytest

from sktransformer_gp import GBLUPRegressor, inspection
from sktransformer_gp.datasets import make_cross


def test_public_names():
    assert inspection.__all__ == sorted(inspection.__all__)
    assert all(">>> " in getattr(inspection, name).__doc__ for name in inspection.__all__)


@pytest.mark.parametrize(
    "name", ["marker_importance", "marker_contributions", "breeding_value_table"]
)
def test_a_model_and_dosages_are_enough(name):
    cross = make_cross(40, 60, 1, random_state=0, as_frame=True)
    model = GBLUPRegressor().fit(cross.data, cross.target)
    assert len(getattr(inspection, name)(model, cross.data)) > 0


def test_nothing_is_drawn():
    code = "import sys, sktransformer_gp.inspection; print('matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"

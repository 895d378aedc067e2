import numpy as np
import pytest

from sktransformer_gp import GBLUPRegressor
from sktransformer_gp.inspection.steps import last_step
from sktransformer_gp.inspection.substitution import Substitution


@pytest.mark.parametrize("kind", ["transformer", "gblup", "without polygenic term"])
def test_predictions_are_those_of_the_changed_dosages(cross, fitted, make, kind):
    if kind == "transformer":
        model = fitted
    elif kind == "gblup":
        model = GBLUPRegressor().fit(cross.data, cross.target)
    else:
        single = {"cross_fitting": None, "gate_penalty": 0.03, "token_dropout": 0.0}
        model = make(**single, max_iter=1).fit(cross.data, cross.target)
    X = cross.data[180:]
    substitution = Substitution(last_step(model, X))
    np.testing.assert_allclose(substitution.base, model.predict(X), rtol=1e-12)
    columns = np.array([0, 5, 200, 201, 390])
    for dosages in (X.iloc[::-1, columns].to_numpy(), np.array([0.0, 1.0, 0.3, 0.7, 0.5])):
        changed = X.astype(float)
        changed.iloc[:, columns] = dosages
        # The encoders' part is in single precision.
        expected = model.predict(changed)
        np.testing.assert_allclose(substitution.predict(columns, dosages), expected, atol=1e-5)

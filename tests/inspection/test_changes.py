import numpy as np
import pytest
import torch

from sktransformer_gp import GBLUPRegressor
from sktransformer_gp.inspection.changes import EncoderChanges, Substitution
from sktransformer_gp.inspection.encoders import EncoderPart
from sktransformer_gp.inspection.steps import last_step

KINDS = {
    "default": {},
    "no queries": {"n_heads": 0},
    "sums of windows only": {"dim_readout": 0},
    "no gates": {"gate_penalty": None},
    "learned positions": {"positions": "learned"},
    "one block": {"n_layers": 1},
}


@pytest.mark.parametrize("with_folds", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_changes_give_what_evaluating_anew_gives(cross, make, kind, with_folds):
    model = make(**KINDS[kind], max_iter=4).fit(cross.data[:90], cross.target[:90])
    model.weights_ = np.full_like(model.weights_, 0.5)  # all encoders count
    part = EncoderPart(model, [0, 1])
    Z = part.inputs(cross.data.to_numpy()[:90])
    folds = model.folds_ if with_folds else None
    changes = EncoderChanges(part, Z, folds)
    np.testing.assert_allclose(changes.base, part.values(Z, folds), atol=1e-6)
    for columns in ([], [3], [20, 50, 51], list(range(0, Z.shape[1], 7))):
        changed = Z.clone()
        changed[:, columns] = torch.rand(90, len(columns), generator=torch.manual_seed(0))
        anew = part.values(changed, folds)
        np.testing.assert_allclose(changes.values(changed), anew, atol=2e-5)
        assert not columns or not np.allclose(anew, changes.base, atol=1e-4)


def test_changes_of_heterozygotes(f2, fitted_f2):
    part = EncoderPart(fitted_f2, [0, 1])
    Z = part.inputs(f2.data.to_numpy())
    changes = EncoderChanges(part, Z)
    for columns in ([3], [20, 50, 51], list(range(0, Z.shape[1], 7))):
        changed = Z.clone()
        changed[:, columns] = 2 * torch.rand(240, len(columns), generator=torch.manual_seed(0))
        anew = part.values(changed)
        np.testing.assert_allclose(changes.values(changed), anew, atol=2e-5)
        assert not np.allclose(anew, changes.base, atol=1e-4)


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

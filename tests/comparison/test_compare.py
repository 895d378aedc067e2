import json
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Lasso, Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    cross_validate,
)

from sktransformer_gp.comparison import COLUMNS, FailedFits, compare_models
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.splitters import ForwardSplit, SparseTesting

SECONDS = ["fit_seconds", "predict_seconds"]


class Recorder(RegressorMixin, BaseEstimator):
    """Predicts the training mean and notes in `seen` what it was handed."""

    def __init__(self, seen=None):
        self.seen = seen

    def __sklearn_clone__(self):
        return Recorder(self.seen)

    def fit(self, X, y):
        self.seen.append((X, y))
        self.mean_ = np.nanmean(y, axis=0)
        return self

    def predict(self, X):
        return np.broadcast_to(self.mean_, (len(X), *np.shape(self.mean_)))


class FailsOn(RegressorMixin, BaseEstimator):
    """Raises where the row with this first dosage is not among the training rows."""

    def __init__(self, absent, prediction=None):
        self.absent = absent
        self.prediction = prediction

    def fit(self, X, y):
        if self.prediction is None and self.absent not in X[:, 0]:
            raise OverflowError("too many loci")
        return self

    def predict(self, X):
        return np.full(len(X), 0.0) if self.prediction is None else self.prediction[: len(X)]


@pytest.fixture
def X():
    return np.random.default_rng(0).integers(0, 3, (60, 8), dtype=np.int8)


@pytest.fixture
def y(X):
    return X[:, :2] * 10.0 + np.random.default_rng(1).normal(0, 8, (60, 2))


def test_scores_equal_a_loop_written_by_hand(X, y):
    models = {"weak": Ridge(1.0), "strong": Ridge(500.0)}
    scores = compare_models(models, X, y, cv=4, random_state=3, dataset="cross", verbose=0)
    expected = []
    for name, model in models.items():
        for fold, (train, test) in enumerate(KFold(4, shuffle=True, random_state=3).split(X)):
            p = model.fit(X[train], y[train]).predict(X[test])
            for t in range(2):
                r = pearsonr(y[test, t], p[:, t]).statistic
                mse = mean_squared_error(y[test, t], p[:, t])
                r2 = r2_score(y[test, t], p[:, t])
                expected.append(("cross", name, f"trait_{t + 1}", 0, fold, 1.0, 45, 15, r, mse, r2))
    expected = pd.DataFrame(expected, columns=COLUMNS[:11])
    assert list(scores) == list(COLUMNS)
    # the same arithmetic in another order of summation
    pd.testing.assert_frame_equal(scores[list(COLUMNS[:11])], expected, rtol=1e-10)


def test_scores_equal_cross_validate(X, y):
    scores = compare_models({"ridge": Ridge()}, X, y[:, 0], verbose=0)
    folds = KFold(5, shuffle=True, random_state=0)
    scoring = ("r2", "neg_mean_squared_error")
    expected = cross_validate(Ridge(), X, y[:, 0], cv=folds, scoring=scoring)
    np.testing.assert_allclose(scores["r2"], expected["test_r2"], rtol=1e-12)
    np.testing.assert_allclose(scores["mse"], -expected["test_neg_mean_squared_error"], rtol=1e-12)
    assert (scores[SECONDS] > 0).all(axis=None)


def test_rows_are_ordered_by_model_repeat_fold_and_trait(X, y):
    models = {"b": Ridge(), "a": Ridge(2.0)}
    scores = compare_models(models, X, y, cv=3, repeats=2, trait_names=["z", "x"], verbose=0)
    keys = scores[["model", "repeat", "fold", "trait"]].values.tolist()
    assert keys == [[m, r, f, t] for m in "ba" for r in range(2) for f in range(3) for t in "zx"]
    assert scores.index.tolist() == list(range(24))


def test_the_first_repeat_is_that_of_a_single_repeat(X, y):
    once, twice = (
        compare_models({"ridge": Ridge()}, X, y, repeats=n, random_state=5, verbose=0).drop(
            columns=SECONDS
        )
        for n in (1, 2)
    )
    pd.testing.assert_frame_equal(once, twice[twice["repeat"] == 0])
    assert not np.isclose(once["r"], twice.loc[twice["repeat"] == 1, "r"]).any()


def test_two_processes_give_the_serial_scores(X, y):
    models = {"ridge": Ridge(), "lasso": Lasso(0.1)}
    serial, parallel = (
        compare_models(models, X, y, cv=3, n_jobs=n, verbose=0).drop(columns=SECONDS)
        for n in (None, 2)
    )
    pd.testing.assert_frame_equal(serial, parallel, check_exact=True)


@pytest.mark.parametrize("as_frame", [False, True])
def test_models_see_copies_of_the_training_rows_only(X, y, as_frame):
    before = X.copy(), y.copy()
    X[:, 0] = np.arange(60)  # names the row
    before[0][:, 0] = X[:, 0]
    seen = []
    frame = pd.DataFrame(X, columns=[f"1:{j}" for j in range(8)]) if as_frame else X
    compare_models({"a": Recorder(seen), "b": Recorder(seen)}, frame, y, cv=4, verbose=0)
    trains = [train for train, _ in KFold(4, shuffle=True, random_state=0).split(X)]
    assert len(seen) == 8
    for i, (X_seen, y_seen) in enumerate(seen):
        train = trains[i // 2]  # fold by fold: both models see one fold in turn
        assert isinstance(X_seen, pd.DataFrame) == as_frame
        np.testing.assert_array_equal(np.asarray(X_seen)[:, 0], train)
        np.testing.assert_array_equal(np.asarray(X_seen), X[train])
        np.testing.assert_array_equal(y_seen, y[train])
        assert not np.shares_memory(np.asarray(X_seen), X)
        assert not np.shares_memory(y_seen, y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_the_models_handed_in_stay_unfitted(X, y):
    ridge = Ridge()
    compare_models({"ridge": ridge}, X, y, verbose=0)
    assert not hasattr(ridge, "coef_")


def test_constant_predictions_score_zero_not_nan(X, y):
    scores = compare_models({"mean": Recorder([])}, X, y, verbose=0)
    assert (scores["r"] == 0).all()
    assert np.isfinite(scores[["mse", "r2"]]).all(axis=None)


def test_unobserved_phenotypes_are_left_out_per_trait(X, y):
    y[np.random.default_rng(2).random((60, 2)) < [0.0, 0.4]] = np.nan
    scores = compare_models({"ridge": PerTraitRegressor(Ridge())}, X, y, cv=3, verbose=0)
    assert np.isfinite(scores[["r", "mse", "r2"]]).all(axis=None)
    folds = KFold(3, shuffle=True, random_state=0).split(X)
    for (train, test), (_, both) in zip(folds, scores.groupby("fold"), strict=True):
        for t, row in enumerate(both.itertuples()):
            a, b = (rows[~np.isnan(y[rows, t])] for rows in (train, test))
            predicted = Ridge().fit(X[a], y[a, t]).predict(X[b])
            assert (row.n_train, row.n_test) == (len(a), len(b))
            assert row.r == pytest.approx(pearsonr(y[b, t], predicted).statistic)
            assert row.mse == pytest.approx(mean_squared_error(y[b, t], predicted))
            assert row.r2 == pytest.approx(r2_score(y[b, t], predicted))


def test_groups_are_kept_together(X, y):
    groups = np.repeat(np.arange(12), 5)
    X[:, 0] = groups
    seen = []
    compare_models({"a": Recorder(seen)}, X, y, cv=4, groups=groups, verbose=0)
    assert [len(set(X_seen[:, 0])) for X_seen, _ in seen] == [9] * 4


def test_a_single_trait_is_handed_over_with_one_dimension(X, y):
    seen = []
    for phenotypes in (y[:, 0], y[:, :1], pd.DataFrame({"Lactate": y[:, 0]})):
        compare_models({"a": Recorder(seen)}, X, phenotypes, cv=3, verbose=0)
    assert {y_seen.ndim for _, y_seen in seen} == {1}


@pytest.mark.parametrize(
    ("wrap", "names", "expected"),
    [
        (np.asarray, None, ["trait_1", "trait_2"]),
        (np.asarray, ("u", "v"), ["u", "v"]),
        (lambda y: pd.DataFrame(y, columns=["Lactate", "Lactose"]), None, ["Lactate", "Lactose"]),
        (lambda y: pd.DataFrame(y, columns=["Lactate", "Lactose"]), ["u", "v"], ["u", "v"]),
        (lambda y: pd.Series(y[:, 0], name="Lactate"), None, ["Lactate"]),
        (lambda y: pd.Series(y[:, 0]), None, ["trait_1"]),
    ],
)
def test_trait_names(X, y, wrap, names, expected):
    scores = compare_models({"r": Ridge()}, X, wrap(y), cv=3, trait_names=names, verbose=0)
    assert scores["trait"].unique().tolist() == expected


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_failing_model_is_named_and_the_others_go_on(X, y, n_jobs):
    X[:, 0] = np.arange(60)
    test_rows = [test for _, test in KFold(3, shuffle=True, random_state=0).split(X)]
    models = {"fine": Ridge(), "broken": FailsOn(absent=test_rows[2][0])}
    message = "model 'broken' failed in repeat 0, fold 2: OverflowError: too many loci"
    with pytest.raises(FailedFits, match=message) as caught:
        compare_models(models, X, y[:, 0], cv=3, repeats=2, n_jobs=n_jobs, verbose=0)
    error = caught.value
    failed = {(failure.repeat, failure.fold) for failure in error.failures}
    assert (0, 2) in failed
    assert f"{len(failed)} of 12 fits failed" in str(error)
    assert 'raise OverflowError("too many loci")' in error.failures[0].traceback
    fine = compare_models({"fine": Ridge()}, X, y[:, 0], cv=3, repeats=2, verbose=0)
    assert error.scores["model"].tolist() == ["fine"] * 6 + ["broken"] * (6 - len(failed))
    assert error.scores["r"][:6].tolist() == fine["r"].tolist()


def test_an_error_can_be_pickled_with_what_it_carries(X, y):
    with pytest.raises(FailedFits) as caught:
        compare_models({"a": FailsOn(absent=-1), "b": Ridge()}, X, y[:, 0], cv=3, verbose=0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.failures == caught.value.failures
    pd.testing.assert_frame_equal(again.scores, caught.value.scores)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_an_error(X, y, value):
    model = FailsOn(0, prediction=np.r_[value, np.zeros(59)])
    with pytest.raises(
        RuntimeError, match=r"'m' failed in repeat 0, fold 0: .*1 of the predictions"
    ):
        compare_models({"m": model}, X, y[:, 0], verbose=0)


def test_predictions_of_another_shape_are_an_error(X, y):
    model = FailsOn(0, prediction=np.zeros(60))
    with pytest.raises(RuntimeError, match=r"have the shape \(12,\), expected \(12, 2\)"):
        compare_models({"m": model}, X, y, verbose=0)


def test_a_trait_without_phenotypes_in_a_fold_is_an_error_before_any_fit(X, y):
    test = next(KFold(5, shuffle=True, random_state=0).split(X))[1]
    y[test[1:], 1] = np.nan
    seen = []
    with pytest.raises(
        ValueError, match="'trait_2' has 1 observed phenotypes in the test rows of repeat 0, fold 0"
    ):
        compare_models({"a": Recorder(seen)}, X, y, verbose=0)
    assert not seen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": {}}, "not empty"),
        ({"models": [Ridge()]}, "mapping of names to estimators"),
        ({"models": {"a": Ridge}}, "model 'a' is not an estimator"),
        ({"models": {"a": 3}}, "model 'a' is not an estimator"),
        ({"models": {1: Ridge()}}, "names of models are text, not empty; got 1"),
        ({"trait_names": ["a"]}, r"trait_names needs 2 different name\(s\) for y, got \['a'\]"),
        ({"trait_names": ["a", "a"]}, "trait_names needs 2 different"),
        ({"y": np.zeros(59)}, "inconsistent numbers of samples"),
        ({"y": np.full(60, np.inf)}, "infinity"),
        ({"groups": [1, 2]}, "inconsistent numbers of samples"),
    ],
)
def test_arguments_that_do_not_fit(X, y, arguments, message):
    with pytest.raises(ValueError, match=message):
        compare_models(**{"models": {"r": Ridge()}, "X": X, "y": y, "verbose": 0} | arguments)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_verbose_0_is_silent(X, y, capfd, n_jobs):
    compare_models({"ridge": Ridge()}, X, y, cv=3, n_jobs=n_jobs, verbose=0)
    assert capfd.readouterr() == ("", "")


def test_the_bar_shows_the_mean_r_of_each_model(X, y, capfd):
    scores = compare_models({"r1": Ridge(), "r2": Ridge(900.0)}, X, y, cv=3, verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert "6/6" in err
    for model, r in scores.groupby("model")["r"].mean().items():
        assert f"{model}={r:.3f}" in err


def test_shares_of_the_training_rows_lie_within_each_other(X, y):
    X[:, 0] = np.arange(60)
    seen = []
    scores = compare_models(
        {"a": Recorder(seen)}, X, y, cv=3, train_fractions=(0.25, 0.5, 1.0), verbose=0
    )
    rows = [set(X_seen[:, 0]) for X_seen, _ in seen]
    folds = KFold(3, shuffle=True, random_state=0).split(X)
    for fold, (train, _) in enumerate(folds):
        small, half, full = rows[3 * fold : 3 * fold + 3]
        assert [len(small), len(half)] == [10, 20]
        assert small < half < full == set(train)
    assert scores["n_train"].tolist() == [10, 10, 20, 20, 40, 40] * 3
    assert scores["train_fraction"].unique().tolist() == [0.25, 0.5, 1.0]
    whole = compare_models({"a": Recorder([])}, X, y, cv=3, verbose=0)
    full = scores[scores["train_fraction"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(full.drop(columns=SECONDS), whole.drop(columns=SECONDS))


def test_sparse_testing_hides_what_it_scores(X, y):
    """A model that knows all phenotypes it was handed by row number scores nothing of them."""
    X = np.c_[np.arange(60), X]
    seen = []
    scores = compare_models(
        {"a": Recorder(seen)}, X, y, cv=SparseTesting(4, random_state=0), verbose=0
    )
    n_hidden = np.zeros(y.shape, dtype=int)
    for X_seen, y_seen in seen:
        assert X_seen[:, 0].tolist() == list(range(60))  # one of two traits is known of each line
        hidden = np.isnan(y_seen)
        assert (hidden.sum(axis=1) < 2).all()
        np.testing.assert_array_equal(y_seen[~hidden], y[~hidden])
        n_hidden += hidden
    np.testing.assert_array_equal(n_hidden, 1)
    assert scores["n_test"].tolist() == [15] * 8
    assert scores["n_train"].tolist() == [45] * 8


def test_a_line_that_is_known_for_another_trait_is_predicted_better():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (80, 30))
    common = rng.normal(size=80)  # what the two traits share is not in the markers
    y = np.c_[common, common] + rng.normal(0, 0.3, (80, 2))

    class Copies(RegressorMixin, BaseEstimator):
        """Predicts a trait of a training line by its other trait."""

        def fit(self, X, y):
            self.known_ = {row.tobytes(): other for row, other in zip(X, y, strict=True)}
            return self

        def predict(self, X):
            known = [self.known_.get(row.tobytes(), np.zeros(2)) for row in X]
            return np.nan_to_num([np.where(np.isnan(k), k[::-1], k) for k in known])

    new, sparse = (
        compare_models({"a": Copies()}, X, y, cv=cv, verbose=0)["r"].mean()
        for cv in (4, SparseTesting(4, random_state=0))
    )
    assert new == 0
    assert sparse > 0.8


def test_a_search_chooses_in_each_training_set(X, y):
    grid = {"alpha": [0.1, 1e6]}
    scores = compare_models(
        {"search": GridSearchCV(Ridge(), grid, cv=3), "ridge": Ridge(0.1)}, X, y, cv=3, verbose=0
    )
    search, ridge = (scores[scores["model"] == name] for name in ("search", "ridge"))
    assert [json.loads(text) for text in search["best_params"]] == [{"alpha": 0.1}] * 6
    assert search["r"].tolist() == ridge["r"].tolist()
    assert ridge["best_params"].tolist() == [""] * 6


def optuna_search():
    pytest.importorskip("optuna_integration", reason="optuna-integration is not installed")
    from optuna.distributions import FloatDistribution
    from optuna_integration import OptunaSearchCV

    spread = FloatDistribution(1e-2, 1e4, log=True)
    return OptunaSearchCV(Ridge(), {"alpha": spread}, cv=3, n_trials=4, random_state=0)


# optuna 5 calls its search experimental, and a part of itself that it uses deprecated
@pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental")
@pytest.mark.filterwarnings("ignore::FutureWarning:optuna")
@pytest.mark.parametrize(
    "make_search",
    [
        lambda: HalvingGridSearchCV(
            Lasso(), {"alpha": [0.1, 1.0, 9.0]}, cv=3, resource="max_iter", max_resources=90
        ),
        lambda: RandomizedSearchCV(
            Ridge(), {"alpha": np.array([1, 10, 100])}, cv=3, n_iter=2, random_state=0
        ),
        optuna_search,
    ],
)
def test_any_search_is_nested_and_its_run_can_go_on(X, y, make_search, tmp_path):
    arguments = {"cv": 3, "folder": tmp_path, "verbose": 0}
    scores = compare_models({"search": make_search()}, X, y, **arguments)
    for fold, (train, test) in enumerate(KFold(3, shuffle=True, random_state=0).split(X)):
        search = make_search().fit(X[train], y[train])
        rows = scores[scores["fold"] == fold]
        r = [pearsonr(y[test, t], search.predict(X[test])[:, t]).statistic for t in (0, 1)]
        np.testing.assert_allclose(rows["r"], r, rtol=1e-10)
        assert json.loads(rows["best_params"].iloc[0]) == search.best_params_
    again = compare_models({"search": make_search()}, X, y, **arguments, resume=True)
    pd.testing.assert_frame_equal(again, scores, check_exact=True)


@pytest.mark.parametrize(
    ("inner", "wanted"), [(GroupKFold(3), True), (LeaveOneGroupOut(), True), (KFold(3), False)]
)
def test_a_search_gets_the_groups_of_the_training_rows(X, y, inner, wanted):
    groups = np.repeat(np.arange(12), 5)
    X[:, 0] = groups
    seen = []

    class Spy(Ridge):
        def fit(self, X, y):
            seen.append(set(X[:, 0]))
            return super().fit(X, y)

    search = GridSearchCV(Spy(), {"alpha": [1.0]}, cv=inner)
    compare_models({"a": search}, X, y, cv=4, groups=groups, verbose=0)
    n_inner = 9 if isinstance(inner, LeaveOneGroupOut) else 3
    for fold in range(4):
        *parts, whole = seen[fold * (n_inner + 1) : (fold + 1) * (n_inner + 1)]
        assert len(whole) == 9
        if wanted:
            assert all(len(part) == 9 - 9 // n_inner for part in parts)


def test_later_years_are_predicted_from_earlier_ones(X, y):
    years = np.repeat([2020, 2021, 2022], 20)
    X[:, 0] = years - 2020
    seen = []
    scores = compare_models({"a": Recorder(seen)}, X, y, cv=ForwardSplit(), groups=years, verbose=0)
    assert [set(X_seen[:, 0]) for X_seen, _ in seen] == [{0}, {0, 1}]
    assert scores["n_train"].tolist() == [20, 20, 40, 40]

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso, Ridge

from sktransformer_gp.comparison import compare_models
from sktransformer_gp.comparison.inference import adjust_holm, corrected_t_test
from sktransformer_gp.comparison.statistics import (
    ALL_TRAITS,
    REQUIRED,
    at_full_size,
    average_over_traits,
    block_columns,
    choose_reference,
    paired_differences,
    summarise,
    with_common_folds,
)


@pytest.fixture
def X():
    return np.random.default_rng(0).integers(0, 3, (60, 8), dtype=np.int8)


@pytest.fixture
def y(X):
    return X[:, :2] * 10.0 + np.random.default_rng(1).normal(0, 8, (60, 2))


def test_summarise_by_hand():
    rows = [
        ("d", "z", "t", 0.5, 1.0, 0.2, 3.0, 0.1),
        ("d", "z", "t", 0.7, 3.0, 0.4, 5.0, 0.3),
        ("d", "a", "t", -0.1, 2.0, -0.5, 1.0, 0.2),
    ]
    summary = summarise(pd.DataFrame(rows, columns=REQUIRED))
    assert summary["model"].tolist() == ["z", "a"]
    z, a = summary.itertuples(index=False)
    assert z[:4] == ("d", "z", "t", 2)
    # sd of .5 and .7 with n - 1: sqrt(.02)
    assert z[4:] == pytest.approx((0.6, 0.02**0.5, 2.0, 0.3, 4.0, 0.2, 1.0))
    assert a.rank == 2
    assert np.isnan(a.r_sd)


def test_summarise_survives_a_csv_file(X, y, tmp_path):
    scores = compare_models({"b": Ridge(), "a": Ridge(9.0)}, X, y, cv=3, verbose=0)
    scores.to_csv(tmp_path / "scores.csv", index=False)
    again = summarise(pd.read_csv(tmp_path / "scores.csv"))
    pd.testing.assert_frame_equal(
        again.drop(columns="dataset"), summarise(scores).drop(columns="dataset")
    )


def test_summarise_names_a_missing_column(X, y):
    scores = compare_models({"b": Ridge()}, X, y, cv=3, verbose=0)
    with pytest.raises(ValueError, match="no column 'mse'"):
        summarise(scores.drop(columns="mse"))


@pytest.fixture
def scores(X, y):
    models = {"ridge": Ridge(), "lasso": Lasso(0.5), "mean": Ridge(1e9)}
    return compare_models(models, X, y, repeats=3, dataset="cross", verbose=0)


def test_further_metrics_and_ranks_are_summarised(scores):
    summary = summarise(scores)
    for row in summary.itertuples():
        mine = scores[(scores["model"] == row.model) & (scores["trait"] == row.trait)]
        assert row.slope_mean == pytest.approx(mine["slope"].mean())
        assert row.top_fraction_overlap_mean == pytest.approx(mine["top_fraction_overlap"].mean())
    for _, trait in summary.groupby("trait"):
        order = trait.sort_values("r_mean", ascending=False)
        assert order["rank"].tolist() == [1, 2, 3]


def test_scores_of_an_older_version_are_summarised(scores):
    old = scores.drop(
        columns=["train_fraction", "slope", "bias", "rank_correlation", "selection_response"]
    )
    columns = ["model", "trait", "r_mean", "mse_mean"]
    pd.testing.assert_frame_equal(summarise(old)[columns], summarise(scores)[columns])


def test_shares_of_the_training_rows_are_kept_apart(X, y):
    scores = compare_models({"a": Ridge()}, X, y, train_fractions=[0.5, 1], cv=3, verbose=0)
    summary = summarise(scores)
    assert summary["train_fraction"].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert (summary["n_folds"] == 3).all()
    assert block_columns(scores) == ["dataset", "train_fraction", "trait"]


def test_paired_differences_pair_the_folds(scores):
    # in any order of the rows
    table = paired_differences(scores.sample(frac=1, random_state=0), "ridge")
    assert set(table["model"]) == {"lasso", "mean"}
    for row in table.itertuples():
        trait = scores[scores["trait"] == row.trait]
        wide = trait.pivot(index=["repeat", "fold"], columns="model", values="r")
        d = (wide[row.model] - wide["ridge"]).to_numpy()
        expected = corrected_t_test(d, np.full(15, 48), np.full(15, 12))
        assert row.n_folds == 15
        assert row.difference == pytest.approx(expected["difference"])
        assert row.p_value == pytest.approx(expected["p_value"])
    np.testing.assert_allclose(table["p_adjusted"], adjust_holm(table["p_value"].to_numpy()))


def test_the_mean_over_traits_is_compared_fold_by_fold(scores):
    table = paired_differences(scores, "ridge", metric="slope", over_traits=True)
    assert table["trait"].tolist() == [ALL_TRAITS] * 2
    means = scores.groupby(["model", "repeat", "fold"])["slope"].mean().unstack("model")
    for row in table.itertuples():
        d = (means[row.model] - means["ridge"]).to_numpy()
        expected = corrected_t_test(d, np.full(15, 48), np.full(15, 12))
        assert (row.low, row.high) == pytest.approx((expected["low"], expected["high"]))


@pytest.mark.parametrize("dataset", ["d", np.nan])  # NaN is a name left empty, read from a file
def test_means_over_traits_by_hand(dataset):
    rows = [
        (dataset, "z", "t", 0, 0, 40, 10, 0.5),
        (dataset, "z", "u", 0, 0, 42, 12, 0.7),
        (dataset, "a", "t", 0, 0, 40, 10, 0.2),
        (dataset, "a", "u", 0, 0, 42, 12, 0.4),
    ]
    columns = ["dataset", "model", "trait", "repeat", "fold", "n_train", "n_test", "r"]
    means = average_over_traits(pd.DataFrame(rows, columns=columns), "r")
    assert means["model"].tolist() == ["z", "a"]
    np.testing.assert_allclose(means[["n_train", "n_test"]], [[41, 11]] * 2)
    np.testing.assert_allclose(means["r"], [0.6, 0.3])


def test_full_size_is_the_largest_share_of_the_training_rows(scores):
    half = scores.assign(train_fraction=0.5, r=0.0)
    both = pd.concat([half, scores.assign(train_fraction=0.8)])
    pd.testing.assert_frame_equal(at_full_size(both), scores.assign(train_fraction=0.8))


def test_only_folds_of_both_models_are_compared(scores):
    failed = (scores["model"] == "lasso") & (scores["fold"] == 2)
    table = paired_differences(scores[~failed], "ridge").set_index("model")
    assert set(table.loc["lasso", "n_folds"]) == {12}
    assert set(table.loc["mean", "n_folds"]) == {15}
    kept = paired_differences(scores[scores["fold"] != 2], "ridge").set_index("model")
    assert table.loc["lasso", "low"].tolist() == kept.loc["lasso", "low"].tolist()


def test_summary_with_a_reference(scores):
    summary = summarise(scores, "ridge", confidence=0.8)
    expected = paired_differences(scores, "ridge", confidence=0.8)
    others = summary[summary["model"] != "ridge"]
    pd.testing.assert_frame_equal(
        others[["model", "trait", "difference", "low", "high"]].reset_index(drop=True),
        expected.sort_values(["model", "trait"])[
            ["model", "trait", "difference", "low", "high"]
        ].reset_index(drop=True),
    )
    assert summary.loc[summary["model"] == "ridge", "difference"].isna().all()


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda s: s, {"reference": "gblup"}, r"models \['ridge', 'lasso', 'mean'\], got 'gblup'"),
        (lambda s: s[s["model"] == "ridge"], {"reference": "ridge"}, "two or more models"),
        (lambda s: s, {"reference": "ridge", "metric": "auc"}, "no column 'auc'"),
        (lambda s: s, {"reference": "ridge", "confidence": 95}, r"\(0, 1\), got 95"),
        (lambda s: s[s["fold"] + s["repeat"] == 0], {"reference": "ridge"}, "at least 2 folds"),
    ],
)
def test_what_cannot_be_compared(scores, change, arguments, message):
    with pytest.raises(ValueError, match=message):
        paired_differences(change(scores), **arguments)


def test_models_with_fewer_than_two_folds_in_common_are_left_out(X, y):
    scores = compare_models({"a": Ridge(), "b": Ridge(2), "c": Ridge(3)}, X, y, cv=3, verbose=0)
    b, c = scores["model"] == "b", scores["model"] == "c"
    few = scores[~(b & (scores["fold"] > 0)) & ~(c & (scores["fold"] > 1))]
    assert with_common_folds(few, "a")["model"].unique().tolist() == ["a", "c"]
    pd.testing.assert_frame_equal(with_common_folds(scores, "a"), scores)
    paired_differences(with_common_folds(few, "a"), "a")
    assert with_common_folds(few[few["fold"] == 0], "a").empty


def test_gblup_is_the_reference_where_it_is_there():
    assert choose_reference(["rf", "gblup"]) == "gblup"
    assert choose_reference(["rf", "lasso"]) == "rf"

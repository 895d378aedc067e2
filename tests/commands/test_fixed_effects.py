from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from sktransformer_gp import FixedEffectsRegressor, compare_models, load_model, make_model
from sktransformer_gp.__main__ import main
from sktransformer_gp.commands.fixed_effects import put_beside_markers, stand_around

NOT_COMPARED = ["fit_seconds", "predict_seconds", "best_params", "dataset"]


@pytest.fixture
def study():
    data = pd.DataFrame([[0, 2], [1, 1], [2, 0]], [*"ABC"], ["1:5", "1:9"]).astype("int8")
    covariates = pd.DataFrame(
        {
            "sex": ["F", "M", "F"],
            "year": [9, 10, 9],
            "age": ["1.5", "2", "-3"],
            "cage": [1, None, 2],
        },
        data.index,
    )
    return Bunch(name="trial.csv", data=data, covariates=covariates)


def options(fixed_effects=(), covariates=()):
    return Namespace(fixed_effects=list(fixed_effects), covariates=list(covariates))


def test_classes_get_a_column_each_and_numbers_stay(study):
    X, names = put_beside_markers(study, options(["sex", "year"], ["age"]))
    assert names == ["sex=F", "sex=M", "year=10", "year=9", "age"]
    assert list(X) == [*names, "1:5", "1:9"]
    assert X.loc["B"].tolist() == [0, 1, 1, 0, 2, 1, 1]
    assert X.loc["C"].tolist() == [1, 0, 0, 1, -3, 2, 0]
    assert set(X.dtypes.drop("age")) == {np.dtype("int8")}


def test_nothing_named_is_the_dosages_alone(study):
    X, names = put_beside_markers(study, options())
    assert X is study.data
    assert names == []
    model = make_model("gblup")
    assert stand_around(model, names) is model


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (options(["trial"]), r"no column 'trial'; the valid ones are \['sex', 'year', 'age', 'ca"),
        (options(["cage"]), "line 'B' has an empty cell in column 'cage'"),
        (options([], ["sex"]), "line 'A' has 'F'; classes go to --fixed-effects"),
    ],
)
def test_what_does_not_fit_is_named(study, given, message):
    with pytest.raises(ValueError, match=message):
        put_beside_markers(study, given)


def test_a_data_set_without_covariates(study):
    study.covariates = None
    with pytest.raises(ValueError, match=r"no column 'sex'; the valid ones are \[\]"):
        put_beside_markers(study, options(["sex"]))


@pytest.fixture
def herd(trial, write):
    """The trial with a sex of large effect and an age, and the words that name its files."""
    rng = np.random.default_rng(3)
    trial.covariates = pd.DataFrame(
        {"sex": rng.permutation(["F", "M"] * 30), "age": rng.normal(size=60).round(3)},
        trial.phenotypes.index,
    )
    male = (trial.covariates["sex"] == "M").astype("int8")
    trial.phenotypes = trial.phenotypes.add(5 * male, axis=0).add(trial.covariates["age"], axis=0)
    trial.phenotypes.join(trial.covariates).to_csv(trial.path, index_label="line")
    coded = pd.DataFrame({"sex=F": 1 - male, "sex=M": male, "age": trial.covariates["age"]})
    trial.X = pd.concat([coded, trial.panel.to_frame()], axis=1)
    trial.model = FixedEffectsRegressor(make_model("gblup"), list(coded))
    trial.words = ["--genotypes", str(write(trial.panel, "vcf", "panel"))]
    trial.words += [
        "--phenotypes",
        str(trial.path),
        "--fixed-effects",
        "sex",
        "--covariates",
        "age",
    ]
    return trial


def test_compare_learns_the_effects_in_each_training_fold(herd, tmp_path, capfd):
    folder = tmp_path / "results"
    command = ["compare", *herd.words, "--models", "gblup", "--cv", "3", "--out", str(folder)]
    assert main(command) == 0
    assert "traits: yield, protein; fixed effects: sex, age." in capfd.readouterr().out
    found = pd.read_csv(folder / "scores.csv")
    expected = compare_models({"gblup": herd.model}, herd.X, herd.phenotypes, cv=3, verbose=0)
    pd.testing.assert_frame_equal(
        found.drop(columns=NOT_COMPARED), expected.drop(columns=NOT_COMPARED), rtol=1e-9
    )
    assert found["r"].min() > 0.7
    assert main(["compare", "--resume", str(folder), "--models", "gblup", "rkhs"]) == 0
    assert pd.read_csv(folder / "scores.csv").query("model == 'rkhs'")["r"].min() > 0.7


def test_a_covariate_that_does_not_fit_costs_no_earlier_run(herd, tmp_path, refuse):
    folder = tmp_path / "results"
    command = ["compare", *herd.words, "--models", "gblup", "--cv", "3", "--out", str(folder)]
    main(command)
    scores = (folder / "scores.csv").read_bytes()
    assert "is to hold numbers" in refuse([*command, "--overwrite", "--covariates", "sex"])
    assert (folder / "scores.csv").read_bytes() == scores


def test_fit_saves_the_model_of_what_the_effects_leave(herd, tmp_path, capfd):
    path = tmp_path / "m.safetensors"
    assert main(["fit", *herd.words, "--name", "gblup", "--model", str(path)]) == 0
    expected = herd.model.fit(herd.X, herd.phenotypes)
    candidates = herd.candidates.to_frame()
    np.testing.assert_allclose(
        load_model(path).predict(candidates), expected.estimator_.predict(candidates), rtol=1e-9
    )
    printed = capfd.readouterr().out
    assert "predict gives genetic values" in printed
    for effect in expected.fixed_effects_.ravel():
        assert f"{effect:.4g}" in printed


def test_mice_bring_their_own(real_data, tmp_path):
    words = ["compare", "--dataset", "mice", "--traits", "Obesity.EndNormalBW", "--cv", "2"]
    words += ["--data-home", str(real_data), "--models", "gblup", "--out"]
    assert main([*words, str(tmp_path / "without")]) == 0
    assert main([*words, str(tmp_path / "with"), "--fixed-effects", "GENDER"]) == 0
    r = [pd.read_csv(tmp_path / name / "scores.csv")["r"].mean() for name in ("with", "without")]
    assert r[0] > r[1] + 0.1

import functools
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sktransformer_gp import datasets, models
from sktransformer_gp.__main__ import main
from sktransformer_gp.commands.compare import DATASETS, MODELS
from sktransformer_gp.comparison import COLUMNS, LeakWarning, compare_models, summarise
from sktransformer_gp.comparison.journal import Journal
from sktransformer_gp.models import MODEL_NAMES, make_model

SECONDS = ["fit_seconds", "predict_seconds"]
SMALL = ["compare", "--dataset", "simulated", "--models", "gblup", "rkhs", "--cv", "3"]


@pytest.fixture
def small_cross(monkeypatch):
    """Make the simulated cross small."""
    small = functools.partial(datasets.make_cross, n_samples=80, n_markers=120)
    monkeypatch.setattr(datasets, "make_cross", small)
    return small


def refuse(capfd, arguments):
    """Run a command that has to fail and return its line on stderr."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capfd.readouterr()
    assert caught.value.code == 2
    assert err.count("\n") == 1
    assert "Traceback" not in err + out
    return err


def test_compare_writes_what_compare_models_gives(small_cross, tmp_path, capfd):
    out = tmp_path / "new" / "folder"
    command = "compare --dataset simulated --models gblup rkhs --cv 3 --repeats 2 --seed 4 --out"
    assert main([*command.split(), str(out)]) == 0
    cross = small_cross(random_state=4)
    expected = compare_models(
        {name: make_model(name, random_state=4) for name in ("gblup", "rkhs")},
        pd.DataFrame(cross.data, columns=cross.feature_names),
        cross.target,
        cv=3,
        repeats=2,
        trait_names=cross.target_names,
        dataset="simulated",
        random_state=4,
        verbose=0,
    )
    scores = pd.read_csv(out / "scores.csv", keep_default_na=False)
    assert list(scores) == list(COLUMNS)
    pd.testing.assert_frame_equal(scores.drop(columns=SECONDS), expected.drop(columns=SECONDS))
    pd.testing.assert_frame_equal(pd.read_csv(out / "summary.csv"), summarise(scores))
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    printed, progress = capfd.readouterr()
    assert "80 samples x 120 markers" in printed
    assert "12/12" in progress
    for row in summarise(scores).itertuples():
        line = next(
            line for line in printed.splitlines() if line.split()[:2] == [row.model, row.trait]
        )
        assert f"{row.r_mean:.3f} +- {row.r_sd:.3f}" in line


def test_two_jobs_give_the_same_scores(small_cross, tmp_path):
    command = ["compare", "--dataset", "simulated", "--models", "gblup", "--cv", "2", "--out"]
    main([*command, str(tmp_path / "1")])
    main([*command, str(tmp_path / "2"), "--jobs", "2"])
    one, two = (pd.read_csv(tmp_path / jobs / "scores.csv").drop(columns=SECONDS) for jobs in "12")
    pd.testing.assert_frame_equal(one, two)


def test_traits_are_picked(small_cross, tmp_path):
    trait = small_cross(random_state=0).target_names[1]
    command = ["compare", "--dataset", "simulated", "--models", "gblup", "--traits", trait]
    main([*command, "--out", str(tmp_path)])
    assert set(pd.read_csv(tmp_path / "scores.csv")["trait"]) == {trait}


def test_demo_compares_three_models_on_two_traits(small_cross, tmp_path, capfd, monkeypatch):
    fewer = {
        "transformer": {"transformergpregressor__max_iter": 1},
        "rf": {"pertraitregressor__estimator__n_estimators": 10},
    }

    def make_light_model(name, random_state):
        return make_model(name, random_state=random_state).set_params(**fewer.get(name, {}))

    monkeypatch.setattr(models, "make_model", make_light_model)
    assert main(["demo", "--jobs", "1", "--out", str(tmp_path)]) == 0
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores["model"].unique().tolist() == ["transformer", "gblup", "rf"]
    assert len(scores) == 3 * 5 * 2
    assert np.isfinite(scores[["r", "mse", "r2"]]).all(axis=None)
    assert (tmp_path / "comparison.png").exists()
    assert "Demo" in capfd.readouterr().out


def test_demo_on_yeast_takes_lactate_and_lactose_of_complete_cases(monkeypatch, tmp_path):
    asked = {}

    def fetch_yeast(**arguments):
        asked.update(arguments)
        cross = datasets.make_cross(60, 50, random_state=0, as_frame=True)
        cross.target.columns = arguments["traits"]
        return cross

    monkeypatch.setattr(datasets, "fetch_yeast", fetch_yeast)
    monkeypatch.setattr(models, "make_model", lambda name, random_state: Ridge())
    main(["demo", "--dataset", "yeast", "--jobs", "1", "--out", str(tmp_path)])
    assert asked["traits"] == ["Lactate", "Lactose"]
    assert asked["complete_cases"]
    assert pd.read_csv(tmp_path / "scores.csv")["trait"].unique().tolist() == asked["traits"]


def test_sparse_testing_from_the_command_line(small_cross, tmp_path, capfd):
    command = "compare --dataset simulated --models gblup --cv 4 --protocol sparse --out"
    assert main([*command.split(), str(tmp_path)]) == 0
    assert "Sparse testing in 4 folds" in capfd.readouterr().out
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert (scores["n_test"] == 20).all()  # of 80 lines, for each of two traits
    assert (scores["n_train"] == 60).all()
    assert Journal(tmp_path).read_provenance()["protocol"]["cv"].startswith("SparseTesting(")


def test_shares_of_the_training_rows_from_the_command_line(small_cross, tmp_path, capfd):
    command = "compare --dataset simulated --models gblup --cv 2 --train-fractions 0.5 1 --out"
    main([*command.split(), str(tmp_path)])
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert summary["train_fraction"].tolist() == [0.5, 0.5, 1, 1]
    assert "share" in capfd.readouterr().out


def test_each_group_is_left_out_in_turn(monkeypatch, tmp_path):
    cross = datasets.make_cross(60, 50, random_state=0, as_frame=True)
    cross.groups = np.repeat(["a", "b", "c"], [10, 20, 30])
    monkeypatch.setattr(datasets, "fetch_mice", lambda **arguments: cross)
    command = "compare --dataset mice --models gblup --protocol leave-group-out --out"
    main([*command.split(), str(tmp_path)])
    assert pd.read_csv(tmp_path / "scores.csv")["n_test"].tolist() == [10, 10, 20, 20, 30, 30]


def test_a_report_is_written_when_asked_for(small_cross, tmp_path, capfd):
    main([*SMALL, "--report", "--out", str(tmp_path)])
    assert f"Report: {tmp_path / 'report.html'}" in capfd.readouterr().out
    assert (tmp_path / "report.html").read_text().count("<figure>") == 3


def test_a_report_without_matplotlib_fails_before_the_work(
    small_cross, tmp_path, capfd, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert "sktransformer-gp[plot]" in refuse(capfd, [*SMALL, "--report", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_groups_reach_the_folds(monkeypatch, tmp_path):
    cross = datasets.make_cross(60, 50, random_state=0, as_frame=True)
    cross.groups = np.repeat(np.arange(12, dtype=np.int8), 5)
    cross.data.iloc[:, 0] = cross.groups
    seen = []

    class Recorder(Ridge):
        def fit(self, X, y):
            seen.append(set(X.iloc[:, 0]))
            return super().fit(X, y)

    monkeypatch.setattr(datasets, "fetch_mice", lambda **arguments: cross)
    monkeypatch.setattr(models, "make_model", lambda name, random_state: Recorder())
    command = ["compare", "--dataset", "mice", "--models", "gblup", "--cv", "4", "--group"]
    main([*command, "--out", str(tmp_path)])
    assert [len(groups) for groups in seen] == [9] * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["compare", "--models", "gblup"], "--dataset"),
        (["compare", "--dataset", "maize"], "invalid choice: 'maize'"),
        (["compare", "--dataset", "yeast", "--models", "blup"], "invalid choice: 'blup'"),
        (["compare", "--dataset", "simulated", "--traits", "height"], "unknown trait 'height'"),
        (["compare", "--dataset", "simulated", "--group"], "simulated has no groups"),
        (["compare", "--dataset", "simulated", "--cv", "1"], "--cv: must be at least 2, got 1"),
        (["compare", "--dataset", "simulated", "--cv", "x"], "--cv: invalid whole_number value"),
        (["compare", "--dataset", "simulated", "--cv", "81"], "n_splits=81"),
        (["compare", "--dataset", "simulated", "--repeats", "0"], "must be at least 1"),
        (["demo", "--seed", "-1"], "must be at least 0"),
        (["demo", "--dataset", "wheat"], "invalid choice: 'wheat'"),
    ],
)
def test_user_errors_are_one_line_and_status_2(
    small_cross, tmp_path, capfd, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in refuse(capfd, arguments)


def test_an_out_that_is_a_file_is_refused_before_the_work(small_cross, tmp_path, capfd):
    (tmp_path / "file").touch()
    arguments = ["compare", "--dataset", "simulated", "--out", str(tmp_path / "file")]
    assert "file" in refuse(capfd, arguments)


def test_unreadable_data_are_refused(monkeypatch, tmp_path, capfd):
    def fetch_wheat(**arguments):
        raise OSError("no network,\nno cache")

    monkeypatch.setattr(datasets, "fetch_wheat", fetch_wheat)
    arguments = ["compare", "--dataset", "wheat", "--out", str(tmp_path)]
    assert "no network, no cache" in refuse(capfd, arguments)


class Broken(Ridge):
    """Fails where the licence is missing."""

    licence = True

    def fit(self, X, y):
        if not Broken.licence:
            raise ConnectionError("no licence")
        return super().fit(X, y)


@pytest.fixture
def with_a_broken_model(small_cross, monkeypatch):
    monkeypatch.setattr(Broken, "licence", False)
    make = models.make_model
    monkeypatch.setattr(
        models,
        "make_model",
        lambda name, random_state: Broken() if name == "rkhs" else make(name),
    )


def test_a_failing_model_gives_status_1_and_the_others_scores(with_a_broken_model, tmp_path, capfd):
    assert main([*SMALL, "--out", str(tmp_path)]) == 1
    printed, err = capfd.readouterr()
    for fold in range(3):
        assert f"model 'rkhs' failed in repeat 0, fold {fold}: ConnectionError: no licence" in err
    assert f"3 fits failed and are missing above; tracebacks: {tmp_path / 'errors.jsonl'}" in err
    assert "gblup" in printed
    assert set(pd.read_csv(tmp_path / "summary.csv")["model"]) == {"gblup"}
    assert (tmp_path / "comparison.png").exists()


def test_a_stop_by_the_user_says_how_to_go_on(small_cross, tmp_path, capfd, monkeypatch):
    class Stopped(Ridge):
        def fit(self, X, y):
            raise KeyboardInterrupt

    monkeypatch.setattr(models, "make_model", lambda name, random_state: Stopped())
    assert main([*SMALL, "--out", str(tmp_path)]) == 130
    err = capfd.readouterr().err
    assert f"to go on: compare --resume {tmp_path}" in err
    assert "Traceback" not in err


def test_failures_are_tried_again_by_resume(with_a_broken_model, tmp_path, monkeypatch, capfd):
    main([*SMALL, "--out", str(tmp_path)])
    monkeypatch.setattr(Broken, "licence", True)
    assert main(["compare", "--resume", str(tmp_path)]) == 0
    assert set(pd.read_csv(tmp_path / "summary.csv")["model"]) == {"gblup", "rkhs"}
    assert not (tmp_path / "errors.jsonl").exists()


def test_nothing_but_failures_still_says_so(with_a_broken_model, tmp_path, capfd):
    command = ["compare", "--dataset", "simulated", "--models", "rkhs", "--cv", "2", "--out"]
    assert main([*command, str(tmp_path)]) == 1
    assert "2 fits failed" in capfd.readouterr().err
    assert not (tmp_path / "summary.csv").exists()


def test_resume_takes_the_options_of_the_run_and_more_models(small_cross, tmp_path, capfd):
    folder, elsewhere = tmp_path / "run", tmp_path / "moved"
    assert main([*SMALL, "--seed", "3", "--overwrite", "--out", str(folder)]) == 0
    first = pd.read_csv(folder / "scores.csv")
    folder.rename(elsewhere)
    more = ["--models", "gblup", "rkhs", "lasso"]
    assert main(["compare", "--resume", str(elsewhere), *more]) == 0
    again = pd.read_csv(elsewhere / "scores.csv")
    pd.testing.assert_frame_equal(again[again["model"] != "lasso"], first, check_exact=True)
    assert len(again) == 18
    assert "18/18" not in capfd.readouterr().err  # 9 fits, 6 of them done


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--seed", "4"], "difference(s): data dosages_sha256"),
        (["--models", "gblup"], "models rkhs"),
        (["--dataset", "yeast", "--data-home", "nowhere"], "nowhere"),
    ],
)
def test_another_run_is_not_resumed(small_cross, tmp_path, capfd, extra, message):
    main([*SMALL, "--out", str(tmp_path)])
    capfd.readouterr()
    assert message in refuse(capfd, ["compare", "--resume", str(tmp_path), *extra])


def test_a_run_that_stands_in_the_folder_is_safe_until_told(small_cross, tmp_path, capfd):
    command = [*SMALL, "--out", str(tmp_path)]
    main(command)
    before = (tmp_path / "provenance.json").read_bytes()
    capfd.readouterr()
    error = refuse(capfd, command)
    assert f"--resume {tmp_path}" in error
    assert "--overwrite" in error
    assert (tmp_path / "provenance.json").read_bytes() == before
    assert main([*command, "--seed", "1", "--overwrite"]) == 0
    assert (tmp_path / "provenance.json").read_bytes() != before


def test_nothing_to_resume(tmp_path, capfd):
    assert "holds no run" in refuse(capfd, ["compare", "--resume", str(tmp_path)])
    compare_models({"r": Ridge()}, np.eye(9), np.arange(9.0), cv=3, verbose=0, folder=tmp_path)
    capfd.readouterr()
    message = refuse(capfd, ["compare", "--resume", str(tmp_path)])
    assert "was not started by this command" in message


@pytest.mark.parametrize(
    ("dataset", "trait", "extra"),
    [
        ("wheat", "environment_1", []),
        ("barley", "grainyield_CAP4_2009_BozemanDry", []),
        ("mice", "Obesity.BMI", ["--group"]),
    ],
)
def test_real_data(real_data, tmp_path, dataset, trait, extra):
    command = f"compare --dataset {dataset} --traits {trait} --models gblup --cv 2".split()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeakWarning)  # barley has lines of one genotype
        main([*command, *extra, "--data-home", str(real_data), "--out", str(tmp_path)])
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == 2
    # published r of GBLUP-like models: wheat .48, barley's yield .2-.5, mouse BMI about .2
    assert scores["r"].between(0.05, 0.7).all()


def test_a_trait_of_no_such_name_lists_the_valid_ones(real_data, tmp_path, capfd):
    command = ["compare", "--dataset", "wheat", "--traits", "yield", "--data-home", str(real_data)]
    assert "environment_1" in refuse(capfd, [*command, "--out", str(tmp_path)])


def test_names_are_those_of_the_package():
    assert MODELS == MODEL_NAMES
    for name in set(DATASETS) - {"simulated"}:
        assert hasattr(datasets, f"fetch_{name}")

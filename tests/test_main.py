import functools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sktransformer_gp import datasets, models
from sktransformer_gp.__main__ import DATASETS, MODELS, main
from sktransformer_gp.comparison import COLUMNS, compare_models, summarise
from sktransformer_gp.models import MODEL_NAMES, make_model

SECONDS = ["fit_seconds", "predict_seconds"]


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
    scores = pd.read_csv(out / "scores.csv")
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


def test_the_table_is_aligned(small_cross, tmp_path, capfd):
    main(["compare", "--dataset", "simulated", "--models", "gblup", "--out", str(tmp_path)])
    lines = capfd.readouterr().out.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("model "))
    assert len({len(line) for line in lines[header : header + 3]}) == 1


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


def test_without_matplotlib_there_is_a_table_and_a_word(small_cross, tmp_path, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    main(["compare", "--dataset", "simulated", "--models", "gblup", "--out", str(tmp_path)])
    assert "No figure: matplotlib is not installed" in capfd.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.csv", "summary.csv"]


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


def test_a_failing_model_is_not_hidden(small_cross, tmp_path, monkeypatch):
    class Broken(Ridge):
        def fit(self, X, y):
            raise ValueError("singular")

    monkeypatch.setattr(models, "make_model", lambda name, random_state: Broken())
    arguments = ["compare", "--dataset", "simulated", "--models", "gblup", "--out", str(tmp_path)]
    with pytest.raises(RuntimeError, match=r"'gblup' failed in repeat 0, fold 0.*singular"):
        main(arguments)


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


def test_help_lists_the_models_and_imports_nothing_that_takes_time():
    code = (
        "import sys, sktransformer_gp\n"
        "before = set(sys.modules)\n"
        "from sktransformer_gp.__main__ import main\n"
        "try: main(['compare', '--help'])\n"
        "finally: print(*set(sys.modules) - before, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in run.stdout for name in MODEL_NAMES)
    packages = {name.partition(".")[0] for name in run.stderr.split()}
    assert packages.isdisjoint({"numpy", "pandas", "sklearn", "torch", "matplotlib", "rdata"})


def test_as_a_program(tmp_path):
    command = (
        f"-m sktransformer_gp compare --dataset simulated --models gblup --cv 2 --out {tmp_path}"
    )
    run = subprocess.run(
        [sys.executable, *command.split()], capture_output=True, text=True, check=True
    )
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == 4
    # h2 = .6 and 14 loci: GBLUP with 504 segregants reaches about .6 of sqrt(h2) = .77
    assert scores["r"].between(0.4, 0.77).all()
    assert "1008 samples x 11623 markers" in run.stdout

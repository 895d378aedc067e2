from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.utils import Bunch

from sktransformer_gp.__main__ import main
from sktransformer_gp.commands.studies import check_source, choose_protocol, load_study
from sktransformer_gp.comparison import compare_models
from sktransformer_gp.comparison.journal import Journal
from sktransformer_gp.datasets import fetch_yeast
from sktransformer_gp.io import Genotypes
from sktransformer_gp.models import make_model
from sktransformer_gp.splitters import ForwardSplit, SparseTesting

OPTIONS = {
    "cv": 4,
    "repeats": 2,
    "seed": 7,
    "group": False,
    "groups": None,
    "dataset": "mice",
    "genotypes": None,
    "phenotypes": None,
}
NOT_COMPARED = ["dataset", "best_params", "fit_seconds", "predict_seconds"]


@pytest.mark.parametrize(
    ("protocol", "group", "expected"),
    [
        ("new-lines", False, {"cv": 4, "repeats": 2, "groups": None}),
        ("new-lines", True, {"cv": 4, "repeats": 2, "groups": ["a", "b"]}),
        ("leave-group-out", False, {"cv": LeaveOneGroupOut(), "groups": ["a", "b"]}),
        ("sparse", False, {"cv": SparseTesting(4, n_repeats=2, random_state=7), "groups": None}),
    ],
)
def test_protocols(protocol, group, expected):
    arguments = Namespace(**OPTIONS | {"protocol": protocol, "group": group})
    chosen = choose_protocol(Bunch(groups=["a", "b"]), arguments)
    assert {name: repr(value) for name, value in chosen.items()} == {
        name: repr(value) for name, value in expected.items()
    }


@pytest.mark.parametrize(
    ("protocol", "group"), [("new-lines", True), ("leave-group-out", False), ("forward", False)]
)
def test_groups_that_are_not_there(protocol, group):
    arguments = Namespace(**OPTIONS | {"protocol": protocol, "group": group})
    with pytest.raises(ValueError, match="the data set mice has no groups"):
        choose_protocol(Bunch(groups=None, name="mice"), arguments)
    arguments = Namespace(**OPTIONS | {"protocol": protocol, "group": group, "dataset": None})
    with pytest.raises(ValueError, match=r"set panel.bed has no groups; --groups names"):
        choose_protocol(Bunch(groups=None, name="panel.bed"), arguments)


@pytest.mark.parametrize("years", [["9", "10", "9", "11"], ["2a", "2b", "2a", "2c"]])
def test_forward_prediction_takes_the_years_in_their_order(years):
    arguments = Namespace(**OPTIONS | {"protocol": "forward", "groups": "year"})
    chosen = choose_protocol(Bunch(groups=np.array(years)), arguments)
    folds = [
        (a.tolist(), b.tolist()) for a, b in chosen["cv"].split(years, groups=chosen["groups"])
    ]
    assert folds == [([0, 2], [1]), ([0, 1, 2], [3])]


def test_a_column_of_groups_is_enough():
    arguments = Namespace(**OPTIONS | {"protocol": "new-lines", "groups": "family"})
    assert choose_protocol(Bunch(groups=["a", "b"]), arguments)["groups"] == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": None}, "give --genotypes and --phenotypes, or --dataset, one of yeast, wheat"),
        ({"dataset": None, "genotypes": "panel.bed"}, "go together"),
        ({"genotypes": "panel.bed", "phenotypes": "trial.csv"}, "--dataset mice brings its own"),
        ({"groups": "family"}, "--dataset mice brings its own"),
    ],
)
def test_there_is_one_source_of_data(options, message):
    with pytest.raises(ValueError, match=message):
        check_source(Namespace(**OPTIONS | options))
    check_source(Namespace(**OPTIONS))


def test_traits_of_the_simulated_cross_in_the_order_asked_for():
    names = ["trait_2", "trait_1"]
    study = load_study(Namespace(dataset="simulated", seed=0, traits=names))
    assert list(study.target) == names
    with pytest.raises(ValueError, match=r"unknown trait 'x'; the valid ones are \['trait_1'"):
        load_study(Namespace(dataset="simulated", seed=0, traits=["x"]))


def scores_of(folder):
    return pd.read_csv(folder / "scores.csv").drop(columns=NOT_COMPARED)


@pytest.fixture
def command(trial, write, tmp_path):
    """The words of a comparison of the user's files."""
    panel = write(trial.panel, "vcf", "panel")
    words = ["compare", "--genotypes", panel, "--phenotypes", trial.path, "--id", "line"]
    return [
        *map(str, words),
        *["--models", "gblup", "--cv", "3", "--out"],
        str(tmp_path / "results"),
    ]


def expected_scores(X, y, **protocol):
    scores = compare_models({"gblup": make_model("gblup")}, X, y, **protocol, verbose=0)
    return scores.drop(columns=NOT_COMPARED)


def test_the_users_files_give_the_scores_of_compare_models(trial, command, tmp_path, capfd):
    assert main([*command, "--traits", "protein", "yield"]) == 0
    found = scores_of(tmp_path / "results")
    expected = expected_scores(trial.panel.to_frame(), trial.phenotypes[["protein", "yield"]], cv=3)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    printed = capfd.readouterr().out
    assert "60 samples with genotypes and phenotypes" in printed
    assert "panel.vcf: 60 samples x 60 markers; traits: protein, yield." in printed


def test_resume_reads_the_users_files_again(trial, command, tmp_path, capfd, refuse):
    folder = tmp_path / "results"
    main(command)
    capfd.readouterr()
    assert main(["compare", "--resume", str(folder), "--models", "gblup", "rkhs"]) == 0
    assert "6/6" in capfd.readouterr().err
    assert set(scores_of(folder)["model"]) == {"gblup", "rkhs"}
    changed = trial.phenotypes.assign(protein=trial.phenotypes["protein"] + 1)
    changed.to_csv(trial.path, index_label="line")
    assert "data phenotypes_sha256" in refuse(["compare", "--resume", folder])


def test_families_stay_in_one_fold(trial, command, tmp_path):
    families = np.repeat(["a", "b", "c", "d", "e", "f"], 10)
    trial.phenotypes.assign(family=families).to_csv(trial.path, index_label="line")
    command += ["--groups", "family"]
    main(command)
    expected = expected_scores(trial.panel.to_frame(), trial.phenotypes, cv=3, groups=families)
    found = scores_of(tmp_path / "results")
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    assert Journal(tmp_path / "results").read_provenance()["protocol"]["groups"] == 6
    assert main([*command, "--protocol", "leave-group-out", "--overwrite"]) == 0
    assert scores_of(tmp_path / "results")["fold"].nunique() == 6


def test_later_years_are_predicted_from_earlier_ones(trial, command, tmp_path):
    years = np.resize(["2009", "2010", "2011"], len(trial.phenotypes))
    trial.phenotypes.assign(year=years).to_csv(trial.path, index_label="line")
    main([*command, "--groups", "year", "--protocol", "forward"])
    expected = expected_scores(
        trial.panel.to_frame(), trial.phenotypes, cv=ForwardSplit(), groups=years
    )
    found = scores_of(tmp_path / "results")
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    assert found["n_train"].max() == 40


def test_a_comparison_of_half_a_source_is_refused(command, refuse, tmp_path):
    assert "go together" in refuse([*command[:3], "--out", tmp_path / "results"])
    assert "--dataset yeast brings its own" in refuse([*command, "--dataset", "yeast"])
    assert "no groups; --groups names their column" in refuse([*command, "--group"])


def test_yeast_in_any_format_gives_identical_scores(real_data, write, tmp_path):
    yeast = fetch_yeast(data_home=real_data, traits=["Lactate", "Lactose"], as_frame=True)
    X, y = yeast.data.iloc[:150, ::60], yeast.target.iloc[:150]
    growth = tmp_path / "growth.csv"
    y.to_csv(growth, index_label="segregant")
    panel = Genotypes.from_frame(X, ploidy=1)
    scores = {}
    for format in ("bed", "vcf", "csv"):
        files = (
            f"--genotypes {write(panel, format, 'yeast')} --phenotypes {tmp_path / 'growth.csv'}"
        )
        options = f"--id segregant --ploidy 1 --models gblup --cv 3 --out {tmp_path / format}"
        main(["compare", *files.split(), *options.split()])
        scores[format] = scores_of(tmp_path / format)
    pd.testing.assert_frame_equal(scores["vcf"], scores["bed"], check_exact=True)
    pd.testing.assert_frame_equal(scores["csv"], scores["bed"], check_exact=True)
    pd.testing.assert_frame_equal(scores["bed"], expected_scores(X, y, cv=3), rtol=1e-9)

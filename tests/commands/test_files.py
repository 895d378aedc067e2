from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.commands.files import load_files
from sktransformer_gp.io import GenotypeFormatError

# By hand: A lacks the protein, D any phenotype, E a genotype, F a phenotype.
TABLE = """plot;line;yield;protein;family
1;C;3,5;1;x
2;A;1;NA;y
3;D;;.;y
4;B;2;5;x
5;E;9;9;z
"""
OPTIONS = {
    "id": "line",
    "traits": ["protein", "yield"],
    "ploidy": 2,
    "replicates": "error",
    "groups": None,
    "fixed_effects": [],
    "covariates": [],
    "complete_cases": False,
}


@pytest.fixture
def load(tmp_path):
    """Load a panel of A, B, C, D and F with a table of phenotypes."""
    dosages = np.array([[0, 1], [1, 2], [2, -1], [0, 0], [1, 1]], dtype=np.int8)
    samples = np.array([*"ABCDF"], dtype=object)
    names = pd.Index(["1:5:A_G", "1:9:C_T"])
    pd.DataFrame(dosages, samples, names).to_csv(tmp_path / "panel.csv")

    def load(table=TABLE, **options):
        paths = {"genotypes": tmp_path / "panel.csv", "phenotypes": tmp_path / "trial.csv"}
        paths["phenotypes"].write_text(table)
        return load_files(Namespace(**OPTIONS | paths | options))

    return load


def test_lines_are_those_with_both_in_the_order_of_the_genotypes(load, capsys):
    study = load()
    assert study.name == "panel.csv"
    assert study.data.index.tolist() == study.target.index.tolist() == [*"ABC"]
    assert study.data.to_numpy().tolist() == [[0, 1], [1, 2], [2, -1]]
    np.testing.assert_array_equal(study.target, [[np.nan, 1], [5, 2], [1, 3.5]])
    assert list(study.target) == ["protein", "yield"]
    assert study.groups is None
    assert study.genotypes.samples.tolist() == [*"ABC"]
    printed = capsys.readouterr().out
    assert "3 samples with genotypes and phenotypes" in printed
    assert "2 with genotypes only: 'D', 'F'" in printed
    assert "1 with phenotypes only: 'E'" in printed


def test_complete_cases_and_their_groups(load):
    study = load(complete_cases=True, groups="family")
    assert study.data.index.tolist() == study.target.index.tolist() == ["B", "C"]
    assert study.genotypes.samples.tolist() == ["B", "C"]
    assert study.groups.tolist() == ["x", "x"]


def test_all_traits_are_all_columns_but_id_and_groups(load):
    study = load(traits=None, groups="family")
    assert list(study.target) == ["plot", "yield", "protein"]
    assert study.groups.tolist() == ["y", "x", "x", "y"]
    first = load("A,one,two\nA,1,2\nB,3,4\n", id=None, traits=None)
    assert list(first.target) == ["one", "two"]


def test_replicates_are_refused_or_averaged(load):
    table = TABLE + "6;B;4;;x\n"
    with pytest.raises(ValueError, match=r"1 samples have several records.*'B'"):
        load(table)
    study = load(table, replicates="mean", groups="family")
    assert study.target.loc["B"].tolist() == [5, 3]
    assert study.groups.tolist() == ["y", "x", "x"]


def test_fixed_effects_and_covariates_are_no_traits(load):
    study = load(traits=None, fixed_effects=["family"], covariates=["plot"])
    assert list(study.target) == ["yield", "protein"]
    assert study.covariates.index.tolist() == study.target.index.tolist() == [*"ABC"]
    assert study.covariates.to_dict("list") == {"family": ["y", "x", "x"], "plot": [*"241"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"traits": ["height"]}, r"'height'; the valid ones are \['plot', 'yield', 'protein', 'f"),
        ({"groups": "cage"}, r"unknown column 'cage'; the valid ones are \['plot', 'line',"),
        ({"groups": "family", "traits": ["family"]}, r"unknown trait 'family'"),
        ({"id": "name"}, "'name'"),
        ({"fixed_effects": ["sex"]}, r"unknown column 'sex'; the valid ones are \['plot', 'line',"),
        ({"table": TABLE.replace("2;A", ";A"), "covariates": ["plot"]}, "'A' has an empty cell"),
        ({"replicates": "mean", "table": TABLE + "6;B;4;;z\n", "groups": "family"}, "two groups"),
        (
            {"table": TABLE.replace("5;x", "5;"), "groups": "family"},
            "'B' has an empty cell in column 'family'",
        ),
        ({"table": "line,yield\nA,\nB,NA\n", "traits": None}, "no line has phenotypes of any"),
        ({"table": "line,y,z\nA,1,\nB,,2\n", "traits": None, "complete_cases": True}, "of all of"),
        ({"table": "line,yield\nA1,1\n", "traits": None}, "no sample has both"),
    ],
)
def test_what_does_not_fit_is_named(load, options, message):
    with pytest.raises(ValueError, match=message):
        load(**options)


def test_text_in_a_trait_is_named_with_its_line(load):
    with pytest.raises(GenotypeFormatError, match="line 2, column 'family': expected a number"):
        load(traits=["family"])

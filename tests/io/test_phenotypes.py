import numpy as np
import openpyxl
import pandas as pd
import pytest

from sktransformer_gp.io import GenotypeFormatError, read_phenotypes

TEXT = "plot,line,yield,protein,remark\n1,B73,6.5,12,\n2, Mo17 ,NA,*,lodged\n3,B73,7,11.5,\n"


def write(folder, text, name="trial.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def frame(names, **columns):
    return pd.DataFrame(columns, pd.Index(names, name="line", dtype=object), dtype=float)


def test_records_in_the_order_of_the_file(tmp_path):
    records = read_phenotypes(write(tmp_path, TEXT), id="line", traits=["protein", "yield"])

    names = ["B73", "Mo17", "B73"]
    expected = frame(names, protein=[12, np.nan, 11.5]).assign(**{"yield": [6.5, np.nan, 7]})
    pd.testing.assert_frame_equal(records, expected)


def test_first_column_and_all_others_by_default(tmp_path):
    records = read_phenotypes(write(tmp_path, "line\theight\n007\t1e2\nx\t-3\n"))

    pd.testing.assert_frame_equal(records, frame(["007", "x"], height=[100, -3]))


def test_text_among_the_traits_is_not_left_out_silently(tmp_path):
    message = "line 3, column 'remark': expected a number or NA, got 'lodged'; name the columns"
    with pytest.raises(GenotypeFormatError, match=message):
        read_phenotypes(write(tmp_path, TEXT), id="line")


@pytest.mark.parametrize(
    "cell", ["", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", ".", "-", "*", " "]
)
def test_not_observed(tmp_path, cell):
    records = read_phenotypes(write(tmp_path, f"line,height\na,{cell}\nb,1\n"))
    np.testing.assert_array_equal(records["height"], [np.nan, 1])


def test_decimal_commas(tmp_path):
    records = read_phenotypes(write(tmp_path, "line;height\na;1,5\nb;-0,25\n"))
    assert records["height"].tolist() == [1.5, -0.25]


def test_spreadsheet(tmp_path):
    book = openpyxl.Workbook()
    book.create_sheet("2024").append(["line", "height", "sown"])
    book["2024"].append([101, 1.5, pd.Timestamp("2024-04-01")])
    book["2024"].append(["B2", None, None])
    book.save(tmp_path / "trial.xlsx")

    records = read_phenotypes(tmp_path / "trial.xlsx", traits=["height"], sheet="2024")

    pd.testing.assert_frame_equal(records, frame(["101", "B2"], height=[1.5, np.nan]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("line,height\na,12;5\n", "line 2, column 'height': expected a number or NA, got '12;5'"),
        ("line,height\na,inf\n", "line 2, column 'height': expected a number or NA, got 'inf'"),
        ("line,height\n,1\n", "line 2: expected the name of a sample in column 'line'"),
        ("line,h,h\na,1,2\n", "line 1: expected each column once, got 'h' more often"),
        ("line,h\na,1,2\n", "line 2: expected 2 cells"),
        ("line,\na,\n", r"line 1: expected a column of phenotypes, got \['line', ''\]"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = write(tmp_path, text)

    with pytest.raises(GenotypeFormatError, match=message) as caught:
        read_phenotypes(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": "Line"}, "columns are unknown: 'Line'; the valid names are 'plot', 'line'"),
        ({"traits": ["oil"]}, "traits are unknown: 'oil'"),
        ({"traits": "yield"}, "traits is a list of at least one name, got 'yield'"),
        ({"sheet": "2024"}, "has no sheets, got sheet='2024'"),
    ],
)
def test_bad_parameters(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        read_phenotypes(write(tmp_path, TEXT), **arguments)

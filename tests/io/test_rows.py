import openpyxl
import pytest

from sktransformer_gp.io.files import GenotypeFormatError
from sktransformer_gp.io.rows import read_rows


def write(folder, text):
    path = folder / "table.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("id,x\na,1.5\n", [(1, ["id", "x"]), (2, ["a", "1.5"])]),
        ("id\tx, y\na\t1\n", [(1, ["id", "x, y"]), (2, ["a", "1"])]),
        ("id;x\na;1,5\nb;1,5,1\n", [(1, ["id", "x"]), (2, ["a", "1.5"]), (3, ["b", "1,5,1"])]),
        ('"","x"\n"a, b","1"\n', [(1, ["", "x"]), (2, ["a, b", "1"])]),
        ('id,x\n"a\nb",1\nc,2\n', [(1, ["id", "x"]), (3, ["a\nb", "1"]), (4, ["c", "2"])]),
        ("id,x\n\n , \na,1\n", [(1, ["id", "x"]), (4, ["a", "1"])]),
    ],
    ids=["comma", "tab", "decimal comma", "quotes", "line in a cell", "blank rows"],
)
def test_text(tmp_path, text, rows):
    assert list(read_rows(write(tmp_path, text))) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\na\n", "line 1: expected columns between tabs, semicolons or commas, got 'id'"),
        ("id,x,y\na,1,2\nb,1\n", "line 3: expected 3 cells as in the header, got 2"),
        ("x,y\na,1,2\n", "line 2: expected 2 cells as in the header, got 3; if the header leaves"),
        ("id,x\na," + "1" * 200_000 + "\n", "line 2: field larger than field limit"),
    ],
)
def test_bad_text_names_the_line(tmp_path, text, message):
    with pytest.raises(GenotypeFormatError, match=message):
        list(read_rows(write(tmp_path, text)))


@pytest.fixture
def book(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "notes"
    book.active.append(["line", "yield", None])
    book.active.append([101, 6.5])
    book.active.append([None, None])
    book.active.append(["B2", None])
    book.create_sheet("trial").append(["id", "x"])
    path = tmp_path / "trial.xlsx"
    book.save(path)
    return path


def test_first_sheet_of_a_spreadsheet(book):
    assert list(read_rows(book)) == [
        (1, ["line", "yield"]),
        (2, ["101", "6.5"]),
        (4, ["B2", ""]),
    ]


def test_sheet_by_name(book):
    assert list(read_rows(book, "trial")) == [(1, ["id", "x"])]
    with pytest.raises(ValueError, match=r"sheets \['notes', 'trial'\], got sheet='none'"):
        list(read_rows(book, "none"))


def test_cell_beside_the_columns_of_a_spreadsheet(book):
    wide = openpyxl.load_workbook(book)
    wide.active["D2"] = "who wrote this?"
    wide.save(book)

    with pytest.raises(GenotypeFormatError, match="line 2: expected 2 cells"):
        list(read_rows(book))


def test_damaged_spreadsheet(book):
    book.write_bytes(book.read_bytes()[:-200])

    with pytest.raises(GenotypeFormatError, match=r"trial.xlsx: no readable .xlsx file"):
        list(read_rows(book))


def test_text_has_no_sheets(tmp_path):
    with pytest.raises(ValueError, match="has no sheets, got sheet='trial'"):
        list(read_rows(write(tmp_path, "id,x\n"), sheet="trial"))

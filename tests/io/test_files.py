import gzip
import io
import sys

import pytest

from sktransformer_gp.io import files
from sktransformer_gp.io.files import GenotypeFormatError, first_bytes, read_lines

TEXT = "a\tb\nzwölf\t2\n\n"
LINES = ["a\tb", "zwölf\t2", ""]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        gzip.compress(TEXT.encode()),
        # bgzip writes gzip members one after the other.
        gzip.compress(TEXT[:5].encode()) + gzip.compress(TEXT[5:].encode()),
    ],
    ids=["plain", "dos", "bom", "utf-16", "gzip", "members"],
)
def test_encodings_and_compression_are_told_by_the_bytes(tmp_path, content):
    path = tmp_path / "any.name"
    path.write_bytes(content)

    assert list(read_lines(path)) == LINES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b""), "the file is empty"),
        (b"a\tb\0c\n", "byte 3: expected text, got a zero byte"),
        (gzip.compress(TEXT.encode() * 99)[:-9], "compressed file is cut off or damaged"),
        (gzip.compress(TEXT.encode())[:7], "after line 0: the compressed file"),
        (gzip.compress(TEXT.encode()) + b"xx", "compressed file is cut off or damaged"),
        ("1,5 °C\n".encode("latin-1"), "expected text in UTF-8, got the byte 0xb0"),
    ],
    ids=["empty", "empty gzip", "binary", "half a gzip", "few bytes", "trailing", "latin-1"],
)
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)

    with pytest.raises(GenotypeFormatError, match=message) as caught:
        list(read_lines(path))

    assert str(caught.value).startswith(str(path))


def test_line_after_which_a_gzip_breaks_off(tmp_path):
    path = tmp_path / "half.gz"
    # Members are whole: the third is cut off.
    member = gzip.compress(b"line\n" * 1000)
    path.write_bytes(member * 2 + member[:-9])

    with pytest.raises(GenotypeFormatError, match=r"after line [23]\d\d\d:"):
        list(read_lines(path))


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(read_lines(tmp_path / "none"))


def test_first_bytes_are_decompressed(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"##fileformat=VCF"))
    assert first_bytes(path, 4) == b"##fi"
    path.write_bytes(gzip.compress(b"##fileformat=VCF")[:12])
    assert first_bytes(path) == b""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("after", "shown"), [(0, True), (60, False)])
def test_progress_bar_waits(tmp_path, monkeypatch, after, shown):
    path = tmp_path / "panel.vcf"
    path.write_text("x\n" * 100_000)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(files, "BAR_AFTER", after)

    assert sum(1 for _ in read_lines(path)) == 100_000

    assert ("panel.vcf" in terminal.getvalue()) is shown


def test_bar_is_due_after_two_seconds():
    assert files.BAR_AFTER == 2

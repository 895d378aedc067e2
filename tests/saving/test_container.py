import errno
import hashlib
import json
import os
import re
import stat
import struct

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from sktransformer_gp.saving import container
from sktransformer_gp.saving.container import (
    ModelFileError,
    read_container,
    reading,
    write_container,
)

CONTENT = {"model": {"note": 'Größe "a\\b"', "n": [1, 2.5, None, True]}, "metadata": {}}
TENSORS = {"weights": np.arange(6.0).reshape(2, 3), "kept": np.array([True, False])}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.safetensors"
    write_container(path, CONTENT, TENSORS)
    return path


def load(path):
    with reading(path):
        return read_container(path)


def test_round_trip(path):
    content, tensors = load(path)

    assert content == CONTENT
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], array, strict=True)
        assert tensors[name].flags.writeable


def test_other_tools_read_it(path):
    with safe_open(path, framework="np") as file:
        texts = file.metadata()
        np.testing.assert_array_equal(file.get_tensor("weights"), TENSORS["weights"])

    description = json.loads(texts["sktransformer_gp"])
    assert (description["version"], description["model"]) == (1, CONTENT["model"])


def test_sha256_is_that_of_the_file_with_zeros_in_its_place(path):
    data = path.read_bytes()
    (digest,) = re.findall(rb"[0-9a-f]{64}", data)

    assert hashlib.sha256(data.replace(digest, b"0" * 64)).hexdigest().encode() == digest


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    write_container(tmp_path / "again", CONTENT, dict(reversed(TENSORS.items())))

    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_flipped_bit_is_noticed(path):
    data = path.read_bytes()
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(ModelFileError):
            load(path)


def test_every_cut_is_noticed(path):
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ModelFileError, match=r"cut off|damaged"):
            load(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(ModelFileError, match="sha256 does not match"):
        load(path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut off, or not a safetensors file"),
        (b"PK\x03\x04" + b"\0" * 100, "cut off, or not a safetensors file"),
        (struct.pack("<Q", 2**63) + b"{}", "cut off, or not a safetensors file"),
        (struct.pack("<Q", 4) + b"null", "its content is damaged"),
        (struct.pack("<Q", 2) + b"{}", "holds no model of sktransformer_gp"),
        (struct.pack("<Q", 4) + b'{"a"', "its header is damaged"),
        (struct.pack("<Q", 200_000) + b"[" * 200_000, "its header is damaged"),
    ],
)
def test_what_is_no_model_file_is_refused_by_name(tmp_path, data, reason):
    path = tmp_path / "other.file"
    path.write_bytes(data)

    with pytest.raises(ModelFileError, match=reason) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_someone_elses_safetensors_file_is_refused(tmp_path):
    save_file({"a": np.zeros(3)}, tmp_path / "a", metadata={"format": "np"})

    with pytest.raises(ModelFileError, match="holds no model of sktransformer_gp"):
        load(tmp_path / "a")


def test_unknown_version_is_refused(path, monkeypatch):
    monkeypatch.setattr(container, "VERSION", 2)
    write_container(path, CONTENT, TENSORS)
    monkeypatch.undo()

    with pytest.raises(ModelFileError, match=r"version 2 of the format.*reads version 1; install"):
        load(path)


def test_a_large_file_that_is_no_model_is_not_read(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(2**40)  # takes no room on disc; reading it all would be the end

    with pytest.raises(ModelFileError, match="header is damaged"):
        load(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")
    with pytest.raises(ModelFileError, match="it is not a file"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ModelFileError, match="it is not a file"):
        load(tmp_path / "pipe")


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch, fails):
    def disk_full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(os, fails, disk_full)

    with pytest.raises(OSError, match="No space left"):
        write_container(path, {"model": "new"}, {})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_and_its_file_is_replaced(path, tmp_path):
    link = tmp_path / "latest"
    link.symlink_to(path.name)
    write_container(link, {"model": "new"}, {})

    assert link.is_symlink()
    assert load(path)[0] == {"model": "new"}


def test_access_is_that_of_any_new_file(path, tmp_path):
    (tmp_path / "plain").touch()

    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_texts_too_long_for_a_header_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "LONGEST_HEADER", 1000)

    with pytest.raises(ValueError, match="room for 1000; give long lists as arrays"):
        write_container(tmp_path / "m", {"metadata": ["a long text"] * 100}, {})
    assert list(tmp_path.iterdir()) == []


def test_what_a_file_says_of_itself_is_not_repeated_at_length():
    with pytest.raises(ModelFileError) as caught, reading("m.safetensors"):
        raise ValueError("a" * 10**6)

    assert len(str(caught.value)) < 500

import argparse

import pytest

from sktransformer_gp.commands.options import add_file_options, at_least, prepare_target


def test_numbers_below_the_lowest_are_refused():
    assert at_least(0)("0") == 0
    with pytest.raises(argparse.ArgumentTypeError, match="must be at least 2, got 1"):
        at_least(2)("1")
    with pytest.raises(ValueError):
        at_least(2)("2.5")


def test_files_are_required_where_there_is_no_other_source():
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_file_options(parser, required=False)
    arguments = parser.parse_args([])
    assert (arguments.genotypes, arguments.phenotypes, arguments.id) == (None, None, None)
    assert (arguments.ploidy, arguments.replicates) == (2, "error")
    parser = argparse.ArgumentParser()
    add_file_options(parser, required=True)
    with pytest.raises(SystemExit):
        parser.parse_args(["--genotypes", "panel.bed"])


def test_a_target_is_new_or_may_be_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    prepare_target(path, overwrite=False)
    assert path.parent.is_dir()
    path.touch()
    prepare_target(path, overwrite=True)
    with pytest.raises(FileExistsError, match="--overwrite"):
        prepare_target(path, overwrite=False)
    with pytest.raises(IsADirectoryError):
        prepare_target(tmp_path, overwrite=True)

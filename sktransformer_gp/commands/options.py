"""Options that several commands have."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def at_least(lowest: int) -> Callable[[str], int]:
    """Return a type of argument: a whole number from `lowest` on.

    Parameters
    ----------
    lowest : int
        Smallest valid number.

    Returns
    -------
    callable
        Reads the number from text; raises ArgumentTypeError if it is too small.

    Examples
    --------
    >>> from sktransformer_gp.commands.options import at_least
    >>> at_least(2)("5")
    5
    """

    def whole_number(text: str) -> int:
        number = int(text)
        if number < lowest:
            raise argparse.ArgumentTypeError(f"must be at least {lowest}, got {number}")
        return number

    return whole_number


def add_genotype_options(parser: argparse.ArgumentParser, *, required: bool) -> Any:
    """Add the options that name a user's own file of genotypes.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    required : bool
        Whether the command has no other source of data.

    Returns
    -------
    argument group
        Where further options of files belong.
    """
    files = parser.add_argument_group("your files")
    files.add_argument(
        "--genotypes",
        type=Path,
        required=required,
        metavar="FILE",
        help="PLINK (.bed), VCF, BCF, HapMap or a table of dosages, told by its content",
    )
    files.add_argument(
        "--ploidy",
        type=at_least(1),
        default=2,
        help="largest dosage; 1 = haploid, or inbred and written as homozygous (default: 2)",
    )
    return files


def add_file_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options that name a user's own files.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    required : bool
        Whether the command has no other source of data.
    """
    files = add_genotype_options(parser, required=required)
    files.add_argument(
        "--phenotypes",
        type=Path,
        required=required,
        metavar="FILE",
        help="CSV, TSV or .xlsx with a header and a row for each line",
    )
    files.add_argument(
        "--id", metavar="COLUMN", help="column with the lines' names (default: the first)"
    )
    files.add_argument(
        "--replicates",
        choices=("error", "mean"),
        default="error",
        help="what to do with a line that has several rows: refuse, or take each trait's mean "
        "(default: %(default)s)",
    )


def add_fixed_effects(parser: argparse.ArgumentParser, where: str) -> None:
    """Add the options that name fixed effects.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    where : str
        What has the columns.
    """
    parser.add_argument(
        "--fixed-effects",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help=f"columns of {where} with classes that lines are in, for instance sex or year: their "
        "effects are taken out of the phenotypes",
    )
    parser.add_argument(
        "--covariates",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help=f"columns of {where} with numbers, for instance an age: likewise",
    )


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Add the option that allows a command to replace its file.

    Parameters
    ----------
    parser : ArgumentParser
        The command's parser.
    """
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def prepare_target(path: Path, *, overwrite: bool) -> None:
    """Make sure, before the work, that a file may be written.

    Parameters
    ----------
    path : Path
        The file to be; its folder is made where there is none.
    overwrite : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    FileExistsError
        If it is there and may not be replaced.
    IsADirectoryError
        If it is a folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sktransformer_gp.commands.options import prepare_target
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     prepare_target(Path(folder, "new", "model.safetensors"), overwrite=False)
    ...     [path.name for path in Path(folder).iterdir()]
    ['new']
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already: replace it with --overwrite")
    path.parent.mkdir(parents=True, exist_ok=True)

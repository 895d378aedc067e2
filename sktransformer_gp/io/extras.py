"""Packages that only some formats need."""

from importlib import import_module
from types import ModuleType


def import_extra(package: str, extra: str) -> ModuleType:
    """Import a package that comes with an extra of this one.

    Parameters
    ----------
    package : str
        Name under which it is imported.
    extra : str
        Name of the extra that installs it.

    Returns
    -------
    module
        The package.

    Raises
    ------
    ImportError
        If it is not installed; says how to install it.

    Examples
    --------
    >>> from sktransformer_gp.io.extras import import_extra
    >>> import_extra("no_such_package", "vcf")
    Traceback (most recent call last):
    ...
    ImportError: this file is read with the package no_such_package, which is missing: pip install
    'sktransformer-gp[vcf]'
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f"this file is read with the package {package}, which is missing: "
            f"pip install 'sktransformer-gp[{extra}]'"
        ) from error

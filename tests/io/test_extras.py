import sys

import pytest

from sktransformer_gp.io.extras import import_extra


def test_package_that_is_there():
    assert import_extra("csv", "vcf") is sys.modules["csv"]


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "cyvcf2", None)

    with pytest.raises(ImportError, match=r"cyvcf2.*pip install 'sktransformer-gp\[vcf\]'"):
        import_extra("cyvcf2", "vcf")

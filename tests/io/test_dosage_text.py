import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktransformer_gp.io.dosage_text import NOT_OBSERVED, DosageText


@given(st.lists(st.one_of(st.floats(0, 4, width=32), st.just(np.nan)), max_size=20))
def test_text_gives_the_numbers_back(values):
    row = DosageText(0, 4).row([" NA" if np.isnan(v) else f" {v!r} " for v in values])

    np.testing.assert_array_equal(row, np.array(values, dtype=np.float32))
    assert row.dtype == np.float32


@pytest.mark.parametrize("text", [*sorted(NOT_OBSERVED), " NA "])
def test_missing(text):
    assert np.isnan(DosageText(0, 2).row([text])).all()


@pytest.mark.parametrize("text", ["-1", "2.01", "inf", "x", "NaN2", "1,5"])
def test_no_dosage(text):
    with pytest.raises(ValueError, match=f"expected a dosage from 0 to 2, got '{text}'"):
        DosageText(0, 2).row(["1", text])


def test_fractions_are_not_kept():
    texts = DosageText(0, 2)
    before = len(texts)
    texts.row([str(x) for x in np.linspace(0.1, 0.9, 1000)])
    assert len(texts) == before

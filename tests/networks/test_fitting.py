import pytest

from sktransformer_gp.networks.fitting import batch_size_for, one_cycle
from sktransformer_gp.training import DivergenceGuard, ProgressBar


@pytest.mark.parametrize(
    ("given", "n", "expected"), [("auto", 10_000, 32), ("auto", 40, 2), ("auto", 1, 1), (7, 40, 7)]
)
def test_batch_size(given, n, expected):
    assert batch_size_for(given, n) == expected


def test_the_bar_comes_where_it_is_asked_for():
    quiet, talking = (one_cycle(0.01, 3, 5, verbose) for verbose in (0, 1))

    assert any(isinstance(c, DivergenceGuard) for c in quiet)
    assert not any(isinstance(c, ProgressBar) for c in quiet)
    assert sum(isinstance(c, ProgressBar) for c in talking) == 1

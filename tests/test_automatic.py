import pytest

from sktransformer_gp.automatic import batch_size_for, gate_penalty_for, learning_rate_for


@pytest.mark.parametrize(
    ("given", "n", "expected"), [("auto", 10_000, 32), ("auto", 40, 2), ("auto", 1, 1), (7, 40, 7)]
)
def test_batch_size(given, n, expected):
    assert batch_size_for(given, n) == batch_size_for(given, n, 7) == expected
    assert batch_size_for(given, n, 8) == (7 if given == 7 else 2 * expected)


@pytest.mark.parametrize("given", [0.5, None, (0.1, 0.2)])
def test_values_that_are_given_are_taken_as_they_are(given):
    assert gate_penalty_for(given, 1, 5) is gate_penalty_for(given, 46, None) is given
    assert learning_rate_for(0.5, 1) == learning_rate_for(0.5, 46) == 0.5

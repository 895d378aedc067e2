import numpy as np
import pytest

from sktransformer_gp.preprocessing import LinkageMerger
from sktransformer_gp.rules import FLAG, PREPROCESSOR, check_rules, either, one_of, real, whole


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (whole(1), [1, np.int64(3)], [0, 1.0, "1", None]),
        (real(0, 1), [0.5, np.float32(0.1)], [0, 1, -1, "0.5", np.nan]),
        (real(0, 1, low_included=True), [0, 0.5], [1, -0.1]),
        (one_of("a", None), ["a", None], ["b", 0]),
        (either("auto", whole(2)), ["auto", 2], ["all", 1]),
        (FLAG, [True, np.False_], [0, None]),
        (PREPROCESSOR, [None, "linkage", LinkageMerger()], ["mean", 3]),
    ],
)
def test_what_is_valid(rule, good, bad):
    assert all(rule[0](value) for value in good)
    assert not any(rule[0](value) for value in bad)


def test_the_message_has_the_value_and_the_choices():
    with pytest.raises(ValueError, match=r"r2 is one of \['a', 'b'\], got 0.95"):
        check_rules(LinkageMerger(), {"r2": one_of("a", "b")})

"""Rules for the values of parameters: what is valid, and the words that say so."""

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

Rule = tuple[Callable[[Any], bool], str]


def whole(low: int, *, flags: bool = True) -> Rule:
    """Ask for an integer of at least `low`; True and False are 1 and 0, unless `flags` is False."""

    def test(v: Any) -> bool:
        return isinstance(v, Integral) and int(v) >= low and (flags or not isinstance(v, bool))

    return test, f"an integer >= {low}"


def real(low: float, high: float, *, low_included: bool = False) -> Rule:
    """Ask for a number between `low` and `high`, the latter excluded."""

    def test(v: Any) -> bool:
        if not isinstance(v, Real):
            return False
        return (low <= float(v) if low_included else low < float(v)) and float(v) < high

    return test, f"a number in {'[' if low_included else '('}{low}, {high})"


def one_of(*choices: Any) -> Rule:
    """Ask for one of some values."""
    return lambda v: any(v is c or v == c for c in choices), f"one of {list(choices)}"


def one_or_more(rule: Rule) -> Rule:
    """Ask for a value of a rule, or a sequence of them."""
    valid, description = rule

    def test(v: Any) -> bool:
        values = v if isinstance(v, tuple | list | np.ndarray) else [v]
        return len(values) > 0 and all(map(valid, values))

    return test, f"{description} or a sequence of them"


def either(choice: Any, rule: Rule) -> Rule:
    """Ask for one value, or for what a rule asks for."""
    valid, description = rule

    def test(v: Any) -> bool:
        # An array is equal to a choice element by element.
        return v is choice or (type(v) is type(choice) and v == choice) or valid(v)

    return test, f"{choice!r} or {description}"


def _is_flag(v: Any) -> bool:
    return isinstance(v, bool | np.bool_)


def _is_preprocessor(v: Any) -> bool:
    return v is None or v == "linkage" if isinstance(v, str | None) else hasattr(v, "transform")


SHARE = real(0, 1, low_included=True)
POSITIVE = real(0, np.inf)
FLAG: Rule = (_is_flag, "True or False")
PREPROCESSOR: Rule = (_is_preprocessor, "'linkage', a scikit-learn transformer or None")
DEVICE: Rule = (lambda v: isinstance(v, str), "'auto' or the name of a torch device")


def check_rules(estimator: BaseEstimator, rules: Mapping[str, Rule]) -> None:
    """Check each parameter for itself.

    Parameters
    ----------
    estimator : BaseEstimator
        Has the parameters as attributes.
    rules : mapping of str to Rule
        The rule of each parameter.

    Raises
    ------
    ValueError
        If a value is not valid; the message gives it and the valid ones.

    Examples
    --------
    >>> from sktransformer_gp import LinkageMerger
    >>> from sktransformer_gp.rules import POSITIVE, check_rules
    >>> check_rules(LinkageMerger(r2=-1), {"r2": POSITIVE})
    Traceback (most recent call last):
    ValueError: r2 is a number in (0, inf), got -1
    """
    for name, (valid, description) in rules.items():
        value = getattr(estimator, name)
        if not valid(value):
            raise ValueError(f"{name} is {description}, got {value!r}")

from argparse import Namespace

import pytest
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.utils import Bunch

from sktransformer_gp.commands.studies import choose_protocol, load_study
from sktransformer_gp.splitters import SparseTesting

OPTIONS = {"cv": 4, "repeats": 2, "seed": 7, "group": False, "dataset": "mice"}


@pytest.mark.parametrize(
    ("protocol", "group", "expected"),
    [
        ("new-lines", False, {"cv": 4, "repeats": 2, "groups": None}),
        ("new-lines", True, {"cv": 4, "repeats": 2, "groups": ["a", "b"]}),
        ("leave-group-out", False, {"cv": LeaveOneGroupOut(), "groups": ["a", "b"]}),
        ("sparse", False, {"cv": SparseTesting(4, n_repeats=2, random_state=7), "groups": None}),
    ],
)
def test_protocols(protocol, group, expected):
    arguments = Namespace(**OPTIONS | {"protocol": protocol, "group": group})
    chosen = choose_protocol(Bunch(groups=["a", "b"]), arguments)
    assert {name: repr(value) for name, value in chosen.items()} == {
        name: repr(value) for name, value in expected.items()
    }


@pytest.mark.parametrize(("protocol", "group"), [("new-lines", True), ("leave-group-out", False)])
def test_groups_that_are_not_there(protocol, group):
    arguments = Namespace(**OPTIONS | {"protocol": protocol, "group": group})
    with pytest.raises(ValueError, match="the data set mice has no groups"):
        choose_protocol(Bunch(groups=None), arguments)


def test_traits_of_the_simulated_cross_in_the_order_asked_for():
    names = ["trait_2", "trait_1"]
    study = load_study(Namespace(dataset="simulated", seed=0, traits=names))
    assert list(study.target) == names
    with pytest.raises(ValueError, match=r"unknown trait 'x'; the valid ones are \['trait_1'"):
        load_study(Namespace(dataset="simulated", seed=0, traits=["x"]))

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.inspection.tables import marker_map, trait_names


def test_traits_are_named_by_argument_then_by_y_then_by_number():
    frame = pd.DataFrame(np.eye(2), columns=["u", "v"])
    assert trait_names(["a", "b"], frame, 2) == ["a", "b"]
    assert trait_names(None, frame, 2) == ["u", "v"]
    assert trait_names(None, frame["u"], 1) == ["u"]
    assert trait_names(None, pd.Series([1.0]), 1) == ["trait_1"]
    assert trait_names(None, np.eye(2), 2) == ["trait_1", "trait_2"]


@pytest.mark.parametrize("traits", ["ab", ["a"]])
def test_one_name_for_each_trait(traits):
    with pytest.raises(ValueError, match="one name for each of the 2 traits"):
        trait_names(traits, None, 2)


def test_map_of_names_and_of_names_without_one():
    table = marker_map(np.array(["1:2.5:a", "2:7"]))
    assert table.to_numpy().tolist() == [["1:2.5:a", "1", 2.5], ["2:7", "2", 7.0]]
    assert table.columns.tolist() == ["marker", "chromosome", "position"]
    unknown = marker_map(np.array(["a", "b"]))
    assert unknown["chromosome"].tolist() == [".", "."] and unknown["position"].isna().all()

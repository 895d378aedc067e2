import sktransformer_gp
from sktransformer_gp import comparison


def test_the_folder_gives_the_whole_surface():
    assert all(hasattr(comparison, name) for name in comparison.__all__)
    for name in ("compare_models", "summarise"):
        assert getattr(sktransformer_gp, name) is getattr(comparison, name)

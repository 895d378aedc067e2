from sktransformer_gp import metrics


def test_the_folder_gives_the_whole_surface():
    assert all(hasattr(metrics, name) for name in metrics.__all__)

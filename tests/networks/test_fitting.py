import pytest

from sktransformer_gp.callbacks import DivergenceGuard, ProgressBar
from sktransformer_gp.networks import CNNGPRegressor
from sktransformer_gp.networks.fitting import training_settings


@pytest.mark.parametrize("verbose", [0, 1])
def test_the_bar_comes_where_it_is_asked_for(verbose):
    settings = training_settings(CNNGPRegressor(verbose=verbose, max_iter=3), n_samples=100)
    kinds = [type(callback) for callback in settings["callbacks"]]

    assert DivergenceGuard in kinds
    assert kinds.count(ProgressBar) == verbose
    assert settings["max_epochs"] == 3
    assert len(list(settings["schedule"]())) == 3 * 25  # at least so many an epoch

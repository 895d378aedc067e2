import inspect

import sktransformer_gp
from sktransformer_gp import networks


def test_the_folder_shows_all_its_estimators_and_the_package_too():
    shown = {name for name, value in vars(networks).items() if inspect.isclass(value)}

    assert shown == set(networks.__all__)
    assert shown <= set(sktransformer_gp.__all__)

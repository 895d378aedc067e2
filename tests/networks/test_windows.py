import numpy as np
import torch

from sktransformer_gp.markers import window_index
from sktransformer_gp.networks.windows import WindowLinear, marker_places, window_neighbours

CHROMOSOMES = np.array(["1"] * 5 + ["2"] * 2 + ["3"] * 4)


def test_neighbours_are_the_windows_beside_on_the_same_chromosome():
    windows = window_index(CHROMOSOMES, 11, size=2)
    n = len(windows)
    homes = [CHROMOSOMES[window[0]] for window in windows]

    around = window_neighbours(windows, CHROMOSOMES)

    for t in range(n):
        expected = [u if 0 <= u < n and homes[u] == homes[t] else n for u in (t - 1, t, t + 1)]
        assert around[t].tolist() == expected
    assert window_neighbours(windows, None)[:, 0].tolist() == [n, *range(n - 1)]


def test_each_marker_is_found_again():
    windows = window_index(CHROMOSOMES, 11, size=3)

    assert windows.ravel()[marker_places(windows, 11)].tolist() == list(range(11))


def test_each_window_has_an_affine_map_of_its_own():
    layer = WindowLinear(3, 4, 2, torch.Generator().manual_seed(0))
    layer.bias.data.normal_(generator=torch.Generator().manual_seed(1))
    x = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(2))

    for t, out in enumerate(layer(x)):
        torch.testing.assert_close(out, x[t] @ layer.weight[t] + layer.bias[t])

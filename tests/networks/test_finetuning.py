import copy

import torch

from sktransformer_gp.networks import MaskedGenotypePretrainer
from sktransformer_gp.networks.finetuning import FineTunedNet, WarmStart
from sktransformer_gp.simulation import make_cross

X = make_cross(40, 60, random_state=0).data


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def nets(**changes):
    pretrained = MaskedGenotypePretrainer(max_iter=2, random_state=0).fit(X).net_
    parameters = pretrained.get_params_for("module")
    sizes = {"n_traits": 2, "dim_readout": 4, "token_dropout": 0.5, **changes}
    return pretrained, FineTunedNet(**parameters, **sizes, generator=seeded(7))


def test_the_warm_start_copies_what_both_have_and_nothing_else():
    pretrained, tuned = nets()
    before = copy.deepcopy(tuned.state_dict())
    holder = type("Net", (), {"module_": tuned})

    start = WarmStart(pretrained.module_.state_dict())
    start.on_train_begin(holder)

    theirs, after = pretrained.module_.state_dict(), tuned.state_dict()
    assert all(torch.equal(after[name], theirs[name]) for name in theirs)
    readout = [name for name in after if name not in theirs]
    assert readout and all(torch.equal(after[name], before[name]) for name in readout)
    assert start.weights is None


def test_traits_are_read_off_the_pretrained_tokens():
    _, tuned = nets(dim_readout=0)
    calls = torch.tensor(X)
    tokens = tuned.encode(calls)[0]

    expected = tokens @ tuned.readout.direct.weight[0] + tuned.readout.direct.bias[0]

    torch.testing.assert_close(tuned(calls)[0], expected)
    assert not torch.equal(tuned(calls, seeded()), tuned(calls))

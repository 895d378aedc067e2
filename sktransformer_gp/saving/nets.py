"""A trained net as data: its module's parameters and weights, and the settings of its training."""

from importlib import import_module
from numbers import Integral
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sktransformer_gp.training import EncoderNet

SETTINGS = ("seed", "lr", "max_epochs", "batch_size")


class Kind(NamedTuple):
    """What a file may hold of a kind of module."""

    home: str  # the module that defines it
    places: str  # the buffer that says which marker stands where
    buffers: tuple[str, ...]  # parameters that are among the weights
    sizes: tuple[str, ...]  # parameters that are whole numbers from 0


KINDS = {
    "MarkerEncoder": Kind(
        "sktransformer_gp.encoder",
        "windows",
        ("windows", "center", "scale", "token_dropout"),
        (
            *("n_dosages", "n_traits", "d_model", "n_heads", "n_layers"),
            *("dim_feedforward", "dim_readout"),
        ),
    ),
    "ConvolutionalNet": Kind(
        "sktransformer_gp.networks.convolution",
        "places",
        ("places", "center", "scale"),
        (
            *("n_traits", "n_channels", "kernel_size", "stride", "n_layers", "pool_size"),
            "dim_readout",
        ),
    ),
}


def get_state(net: EncoderNet) -> dict[str, Any]:
    """Return what rebuilds a trained net, but for history, optimiser and callbacks.

    Parameters
    ----------
    net : EncoderNet
        The net, on any device.

    Returns
    -------
    dict
        Numbers, texts and arrays.
    """
    weights = {name: _to_array(tensor) for name, tensor in net.module_.state_dict().items()}
    parameters, kind = net.get_params_for("module"), type(net.module_).__name__
    return {
        "module": kind,
        **{name: getattr(net, name) for name in SETTINGS},
        "device": net.device,
        "gate_penalty": None if net.gate_penalty is None else _to_array(net.gate_penalty),
        "trait_weight": _to_array(net.criterion_.weight),
        "encoder": {
            key: value for key, value in parameters.items() if key not in KINDS[kind].buffers
        },
        "weights": weights,
    }


def from_state(state: dict[str, Any]) -> EncoderNet:
    """Make the net again, on its device where that is there, else on the CPU.

    Parameters
    ----------
    state : dict
        What `get_state` returned, or a file says.

    Returns
    -------
    EncoderNet
        The net, with an empty history.

    Raises
    ------
    Exception
        Of any kind where the state is not that of a net; a ValueError where the weights are not
        those of the module that the parameters describe.
    """
    weights = {name: torch.from_numpy(array) for name, array in state["weights"].items()}
    kind = KINDS[state["module"]]
    buffers = {name: weights[name] for name in kind.buffers}
    parameters, penalty = state["encoder"], state["gate_penalty"]
    module = getattr(import_module(kind.home), state["module"])
    _check_weights(module, kind, parameters, buffers, weights)
    net = EncoderNet(
        module=module,
        **{name: state[name] for name in SETTINGS},
        device=_device_that_is_there(state["device"]),
        gate_penalty=None if penalty is None else torch.from_numpy(penalty),
        criterion__weight=torch.from_numpy(state["trait_weight"]),
        train_split=None,
        **{f"module__{name}": value for name, value in {**parameters, **buffers}.items()},
    ).initialize()
    net.module_.load_state_dict(weights)
    return net


def _to_array(tensor: Tensor) -> NDArray:
    return tensor.detach().cpu().numpy()


def _check_weights(
    module: type[nn.Module],
    kind: Kind,
    parameters: dict,
    buffers: dict[str, Tensor],
    weights: dict[str, Tensor],
) -> None:
    """Compare the weights with those of a module that takes no memory."""
    wrong = [n for n in kind.sizes if not isinstance(parameters[n], Integral) or parameters[n] < 0]
    if wrong:
        raise ValueError(f"the encoder's {wrong[0]} is {parameters[wrong[0]]!r}, not a size")
    n_blocks = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    # Before blocks are made: the number may be any that a file states.
    if parameters["n_layers"] != n_blocks:
        raise ValueError(f"n_layers is {parameters['n_layers']}, but there are {n_blocks} blocks")
    with torch.device("meta"):
        encoder = module(**buffers, **parameters, generator=None).to("meta")
    n_markers = len(buffers["center"])
    found, expected = ({k: _form(t) for k, t in w.items()} for w in (weights, encoder.state_dict()))
    for name in {**expected, **found}:
        if found.get(name) != expected.get(name):
            raise ValueError(
                f"the encoder's {name} is {found.get(name)}, but its parameters make it "
                f"{expected.get(name)}"
            )
    encoder(torch.empty(1, n_markers, device="meta"))
    _check_places(buffers[kind.places], n_markers, kind.places)


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _check_places(places: Tensor, n_markers: int, name: str) -> None:
    # The number of markers itself stands for an empty place.
    if places.dtype != torch.int64 or places.min() < 0 or places.max() > n_markers:
        raise ValueError(f"the encoder's {name} are not of its {n_markers} markers")


def _device_that_is_there(name: str) -> str:
    device = torch.device(name)
    there = {
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    return name if (device.index or 0) < there.get(device.type, 0) else "cpu"

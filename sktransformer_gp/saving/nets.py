"""A trained net as data: its module's parameters and weights, and the settings of its training."""

from collections.abc import Callable, Mapping
from importlib import import_module
from numbers import Integral
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sktransformer_gp.networks.calls import CallLoss
from sktransformer_gp.training import EncoderNet, SeededNet

SETTINGS = ("seed", "lr", "max_epochs", "batch_size")


class Kind(NamedTuple):
    """What a file may hold of a kind of module."""

    home: str  # the module that defines it
    sizes: tuple[str, ...]  # parameters that are whole numbers from 0
    buffers: tuple[str, ...]  # parameters that are among the weights
    indices: Mapping[str, Callable[[dict[str, Tensor]], int]]  # which of these count up to what
    # Whether phenotypes are predicted, or calls.
    predicts_traits: bool


def _n_markers(buffers: dict[str, Tensor]) -> int:
    # The number of markers itself stands for an empty place.
    return len(buffers["center"])


def _n_windows(buffers: dict[str, Tensor]) -> int:
    return len(buffers["windows"])


def _last_place(buffers: dict[str, Tensor]) -> int:
    return buffers["windows"].numel() - 1


DENOISING_SIZES = ("n_dosages", "d_model", "dim_feedforward", "n_layers", "n_heads")
DENOISING_BUFFERS = ("windows", "neighbours", "marker_places", "center", "scale", "axes")
DENOISING_INDICES = {
    "windows": _n_markers,
    "neighbours": _n_windows,
    "marker_places": _last_place,
}
KINDS = {
    "MarkerEncoder": Kind(
        "sktransformer_gp.encoder",
        (
            *("n_dosages", "n_traits", "d_model", "n_heads", "n_layers"),
            *("dim_feedforward", "dim_readout"),
        ),
        ("windows", "center", "scale", "token_dropout", "dominance"),
        {"windows": _n_markers},
        predicts_traits=True,
    ),
    "ConvolutionalNet": Kind(
        "sktransformer_gp.networks.convolution",
        (
            *("n_traits", "n_channels", "kernel_size", "stride", "n_layers", "pool_size"),
            "dim_readout",
        ),
        ("places", "center", "scale"),
        {"places": _n_markers},
        predicts_traits=True,
    ),
    "CrossAttentionNet": Kind(
        "sktransformer_gp.networks.decoder",
        ("d_model", "n_heads"),
        ("panel", "phenotypes", "weights", "center", "scale"),
        {},
        predicts_traits=True,
    ),
    "DenoisingNet": Kind(
        "sktransformer_gp.networks.denoising",
        DENOISING_SIZES,
        DENOISING_BUFFERS,
        DENOISING_INDICES,
        predicts_traits=False,
    ),
    "FineTunedNet": Kind(
        "sktransformer_gp.networks.finetuning",
        (*DENOISING_SIZES, "n_traits", "dim_readout"),
        DENOISING_BUFFERS,
        DENOISING_INDICES,
        predicts_traits=True,
    ),
}


def get_state(net: SeededNet) -> dict[str, Any]:
    """Return what rebuilds a trained net, but for history, optimiser and callbacks.

    Parameters
    ----------
    net : SeededNet
        The net, on any device.

    Returns
    -------
    dict
        Numbers, texts and arrays.
    """
    weights = {name: _to_array(tensor) for name, tensor in net.module_.state_dict().items()}
    parameters, module = net.get_params_for("module"), type(net.module_).__name__
    state = {
        "module": module,
        **{name: getattr(net, name) for name in SETTINGS},
        "device": net.device,
        "encoder": {k: v for k, v in parameters.items() if k not in KINDS[module].buffers},
        "weights": weights,
    }
    if KINDS[module].predicts_traits:
        penalty = net.gate_penalty
        state["gate_penalty"] = None if penalty is None else _to_array(penalty)
        state["trait_weight"] = _to_array(net.criterion_.weight)
    return state


def from_state(state: dict[str, Any]) -> SeededNet:
    """Make the net again, on its device where that is there, else on the CPU.

    Parameters
    ----------
    state : dict
        What `get_state` returned, or a file says.

    Returns
    -------
    SeededNet
        The net, with an empty history.

    Raises
    ------
    Exception
        Of any kind where the state is not that of a net; a ValueError where the weights are not
        those of the module that the parameters describe.
    """
    weights = {name: torch.from_numpy(array) for name, array in state["weights"].items()}
    kind = KINDS[state["module"]]
    # Encoders of haploids and of inbred lines read no dominance.
    absent = {"dominance"} - weights.keys()
    buffers = {name: weights[name] for name in kind.buffers if name not in absent}
    module = getattr(import_module(kind.home), state["module"])
    _check_weights(module, kind, state["encoder"], buffers, weights)
    make = _encoder_net if kind.predicts_traits else _denoising_net
    net = make(
        state,
        module=module,
        **{name: state[name] for name in SETTINGS},
        device=_device_that_is_there(state["device"]),
        train_split=None,
        **{f"module__{name}": value for name, value in {**state["encoder"], **buffers}.items()},
    ).initialize()
    net.module_.load_state_dict(weights)
    return net


def _encoder_net(state: dict[str, Any], **parameters: Any) -> EncoderNet:
    penalty = state["gate_penalty"]
    return EncoderNet(
        gate_penalty=None if penalty is None else torch.from_numpy(penalty),
        criterion__weight=torch.from_numpy(state["trait_weight"]),
        **parameters,
    )


def _denoising_net(state: dict[str, Any], **parameters: Any) -> SeededNet:
    return SeededNet(criterion=CallLoss, **parameters)


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
    n_layers = parameters.get("n_layers", 0)
    if n_layers != n_blocks:
        raise ValueError(f"n_layers is {n_layers}, but there are {n_blocks} blocks")
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
    for name, largest in kind.indices.items():
        _check_index(name, buffers[name], largest(buffers), n_markers)


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _check_index(name: str, index: Tensor, largest: int, n_markers: int) -> None:
    if index.dtype != torch.int64 or index.min() < 0 or index.max() > largest:
        raise ValueError(f"the encoder's {name} are not of its {n_markers} markers")


def _device_that_is_there(name: str) -> str:
    device = torch.device(name)
    there = {
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    return name if (device.index or 0) < there.get(device.type, 0) else "cpu"

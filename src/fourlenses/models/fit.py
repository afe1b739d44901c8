"""Fit a checkpoint of another project to a network, by its tensors' names or their order."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from fourlenses.core.errors import UserError
from fourlenses.models.checkpoints import State

Match = Literal["names", "order"]
COUNTER = "num_batches_tracked"  # of a batch norm; old checkpoints lack it, and nothing reads it
POSITIONS = "pos_embed"  # of timm's vision transformers: (1, tokens, width)


@dataclass(frozen=True)
class Fitted:
    """A state under the network's own names, and sentences on what was done to the checkpoint's."""

    state: State
    notes: list[str] = field(default_factory=list)


def fit_state(
    states: dict[str, State],
    network: nn.Module,
    *,
    file: Path,
    architecture: str,
    match: Match = "names",
    prefix: str | None = None,
) -> Fitted:
    """Choose the tensors of a checkpoint that are this network's.

    Args:
        states: see `checkpoints.read_states`.
        network: without a classifier; the checkpoint's classifier and other heads are left out.
        file: the checkpoint, and
        architecture: the network's name, both for messages.
        match: ``names``: the names after a common prefix must be the network's. ``order``: for the
            same network under other names: tensors go by their order, and the last part of the
            name (weight, bias, ...) and the shape of each must agree.
        prefix: what the wanted names begin with, "module.encoder_q." say; None: any prefix under
            which all are there, if there is but one.

    Raises:
        UserError: no dictionary of the checkpoint fits, or several do.
    """
    expected = network.state_dict()
    fits = _by_order(states, expected) if match == "order" else _by_names(states, network, prefix)
    if len(fits) > 1:
        places = ", ".join(f"'{key_path}'" for key_path in fits)
        raise UserError(
            f"{file} holds several networks that fit '{architecture}', under {places}; choose one "
            "by the key 'prefix'"
        )
    if not fits:
        hint = ""
        if match == "names" and _by_order(states, expected):
            hint = "; its tensors fit in order and shape: if it is the same network under other "
            hint += "names, say `match: order`"
        problem = _closest_problem(states, expected, prefix)
        raise UserError(f"{file} does not fit the architecture '{architecture}': {problem}{hint}")
    ((key_path, fitted),) = fits.items()
    taken = [f"tensors taken from '{key_path}'"] if key_path else []
    return Fitted(fitted.state, taken + fitted.notes)


def _by_names(states: dict[str, State], network: nn.Module, only: str | None) -> dict[str, Fitted]:
    """Return the fitting states by place and prefix."""
    expected = network.state_dict()
    fits = {}
    for key_path, state in states.items():
        for prefix in _prefixes(state, expected) if only is None else [only]:
            inner = {
                name.removeprefix(prefix): tensor
                for name, tensor in state.items()
                if name.startswith(prefix)
            }
            inner, notes = resample_positions(inner, network)
            if _mismatch(inner, expected) or _larger(inner, network):
                continue
            label = ".".join(text for text in (key_path, prefix.rstrip(".")) if text)
            fits[label] = Fitted(_complete(inner, expected), notes)
    return fits


def _prefixes(state: State, expected: State) -> list[str]:
    """Return what stands before the network's first name, wherever a tensor ends in that name."""
    first = next(name for name in expected if not name.endswith(COUNTER))
    prefixes = [name.removesuffix(first) for name in state if name.endswith(first)]
    return [prefix for prefix in prefixes if prefix == "" or prefix.endswith(".")]


def _mismatch(state: State, expected: State) -> str:
    """Say the first thing in which a state is not what is expected; empty where it is."""
    needed = {name: tensor for name, tensor in expected.items() if not name.endswith(COUNTER)}
    missing = [name for name in needed if name not in state]
    if missing:
        return f"it lacks '{missing[0]}' ({len(missing)} of {len(needed)} tensors are missing)"
    for name, tensor in needed.items():
        if state[name].shape != tensor.shape:
            return (
                f"its '{name}' has shape {tuple(state[name].shape)}, where this architecture has "
                f"{tuple(tensor.shape)}"
            )
    return ""


def _larger(state: State, network: nn.Module) -> str:
    """Name a tensor that a larger network of the same family has within this one's parts.

    All of a ResNet-50's tensors are in a ResNet-101, under the same names and of the same shapes.
    """
    parts = {
        name for name, part in network.named_children() if any(True for _ in part.parameters())
    }
    known = network.state_dict()
    surplus = (
        name
        for name in state
        if name not in known
        and name.partition(".")[0] in parts
        and not _in_classifier(name, network)
    )
    return next(surplus, "")


def _in_classifier(name: str, network: nn.Module) -> bool:
    """Return whether a tensor belongs to a layer that was replaced by the identity."""
    path = name.rpartition(".")[0]
    while path:
        try:
            return isinstance(network.get_submodule(path), nn.Identity)
        except AttributeError:
            path = path.rpartition(".")[0]
    return False


def _by_order(states: dict[str, State], expected: State) -> dict[str, Fitted]:
    """Return the states whose tensors agree with the first of them in order, kind and shape."""
    needed = [(name, tensor) for name, tensor in expected.items() if not name.endswith(COUNTER)]
    fits = {}
    for key_path, state in states.items():
        listed = [(name, tensor) for name, tensor in state.items() if not name.endswith(COUNTER)]
        # what comes after the network's own tensors is its classifier, a weight and a bias at most
        if not 0 <= len(listed) - len(needed) <= 2:
            continue
        pairs = list(zip(needed, listed, strict=False))
        if all(
            a.rpartition(".")[2] == b.rpartition(".")[2] and x.shape == y.shape
            for (a, x), (b, y) in pairs
        ):
            state = _complete({a: tensor for (a, _), (_, tensor) in pairs}, expected)
            fits[key_path] = Fitted(state, ["tensors matched by their order, not by their names"])
    return fits


def _complete(state: State, expected: State) -> State:
    """Add the counters of batch norms that a checkpoint lacks."""
    counters = {name: tensor for name, tensor in expected.items() if name.endswith(COUNTER)}
    return {name: state.get(name, counters.get(name, tensor)) for name, tensor in expected.items()}


def _closest_problem(states: dict[str, State], expected: State, only: str | None) -> str:
    """Say what is wrong with the dictionary that has the most of the expected names."""
    best, most = "it lacks all of its tensors", -1
    for state in states.values():
        for prefix in (_prefixes(state, expected) or [""]) if only is None else [only]:
            inner = {
                name.removeprefix(prefix): tensor
                for name, tensor in state.items()
                if name.startswith(prefix)
            }
            shared = len(inner.keys() & expected.keys())
            if shared > most:
                most = shared
                best = _mismatch(inner, expected) or "it is of a larger network of the same family"
    return best


def resample_positions(state: State, network: nn.Module) -> tuple[State, list[str]]:
    """Resample the position embedding of a vision transformer to the network's number of patches.

    timm's own bicubic rule. A state without one, or of the same size, is returned as it is.
    """
    expected = network.state_dict().get(POSITIONS)
    given = state.get(POSITIONS)
    if expected is None or given is None or expected.shape == given.shape:
        return state, []
    from timm.layers import resample_abs_pos_embed

    prefix_tokens = getattr(network, "num_prefix_tokens", 1)
    if getattr(network, "no_embed_class", False):
        prefix_tokens = 0
    patches = network.get_submodule("patch_embed")
    grid = patches.grid_size
    resampled: Tensor = resample_abs_pos_embed(given, grid, num_prefix_tokens=prefix_tokens)
    note = f"position embedding resampled from {given.shape[1]} to {resampled.shape[1]} tokens"
    return state | {POSITIONS: resampled}, [note]

"""Checkpoint files of other projects, read without running anything that they hold.

safetensors and what ``torch.save`` wrote, whole or in shards (``model.safetensors.index.json``);
the latter through ``weights_only=True``, which builds tensors and plain containers alone.
"""

import json
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fourlenses.core.errors import UserError, printable

DEPTH = 3  # how deep a state dictionary may lie in a checkpoint of a whole training
INDEX = ".index.json"  # the end of the name of a file that says where the tensors are
State = dict[str, Tensor]


def read_states(file: Path) -> dict[str, State]:
    """Return every state dictionary in a file, by where it lies in it ("" for the file itself).

    Tensors of float16, bfloat16 and float64 become float32.

    Raises:
        UserError: the file is missing, damaged, holds more than tensors, or no tensor.
    """
    if not file.exists():
        raise UserError(f"{file} does not exist; put the weights there, or mend the path")
    if file.name.endswith(INDEX):
        content: object = _read_shards(file)
    elif file.suffix == ".safetensors":
        content = _read_safetensors(file)
    else:
        content = _read_torch(file)
    states = {
        key_path: {name: _as_float32(tensor) for name, tensor in state.items()}
        for key_path, state in _states_in(content, key_path="", depth=DEPTH)
    }
    if not states:
        raise UserError(f"{file} holds no dictionary of tensors; save the network's state_dict()")
    return states


def _read_safetensors(file: Path) -> State:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{file} is no readable safetensors file ({error}); get it again"
        ) from error


def files_of(file: Path) -> list[Path]:
    """Return the files of a checkpoint: itself, and the shards of an index in their order.

    Raises:
        UserError: the file is no index though it is called so, or a shard is missing.
    """
    if not file.name.endswith(INDEX):
        return [file]
    shards = sorted({file.parent / shard for shard in _places(file).values()})
    there = {each.name for each in file.parent.iterdir()}  # a name may be longer than any file's
    for shard in shards:
        if shard.name not in there:
            name = printable(shard.name[:80])
            raise UserError(f"{file} names {name}, which is not in its folder; get it too")
    return [file, *shards]


def _places(index: Path) -> dict[str, str]:
    """Return which file of its folder holds which tensor."""
    try:
        files: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        shards = set(files.values())
        if not shards or any(Path(shard).name != shard for shard in shards):
            raise ValueError("it must name files of the same folder")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(f"{index} is no index of a checkpoint in shards ({error})") from error
    return files


def _read_shards(index: Path) -> State:
    state: State = {}
    for shard in files_of(index)[1:]:
        part = _read_safetensors(shard) if shard.suffix == ".safetensors" else _read_torch(shard)
        if not isinstance(part, Mapping):
            raise UserError(f"{shard} holds no dictionary of tensors; get it again")
        state |= {name: value for name, value in part.items() if isinstance(value, Tensor)}
    missing = sorted(set(_places(index)) - set(state))
    if missing:
        raise UserError(f"{index} names '{missing[0]}', which is in none of its files")
    return state


def _read_torch(file: Path) -> object:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # not torch's own text, which says how to load such a file all the same
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused is None:
            raise UserError(
                f"{file} is no readable checkpoint (not tensors and plain values, as torch.save "
                "writes them); get it again, or save the network's state_dict() as safetensors"
            ) from error
        raise UserError(
            f"{file} holds more than tensors and plain values ({refused[1]}), and loading that "
            "could run code; save the network's state_dict() alone, or as safetensors"
        ) from error
    # torch's readers raise anything on damaged files: RuntimeError, KeyError, IndexError, …
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{file} is no readable checkpoint ({reason}); get it again") from error


def _states_in(content: object, *, key_path: str, depth: int) -> Iterator[tuple[str, State]]:
    """Yield every dictionary that holds tensors; what else it holds is left out."""
    if not isinstance(content, Mapping):
        return
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        yield key_path, tensors
    if depth:
        for key, value in content.items():
            inner = f"{key_path}.{key}" if key_path else str(key)
            yield from _states_in(value, key_path=inner, depth=depth - 1)


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor

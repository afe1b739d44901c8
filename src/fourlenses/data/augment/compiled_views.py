"""Views on a CPU by compiled code: `views.c`, an image at a time, which stays in the cache.

By hand, not numba, which ffcv brings: every job would import it for half a second and load what it
keeps, and reads its cache by pickle. What is compiled here is opened in a millisecond. Where there
is no compiler and nothing compiled is found, views are made by torch, operation by operation, 4 to
20 times slower; the two differ by less than a thousandth of a grey level.

Run as a module, it compiles: set-up does, so that nodes without a compiler find the result.
"""

import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.machine.home_folder import own_cache_folder, private_temporary_folder
from fourlenses.data.augment.blur import gaussian_weights, kernel_size
from fourlenses.data.augment.parameters import Parameters

log = logging.getLogger(__name__)
SOURCE = Path(__file__).with_name("views.c")
# Nothing that lets sums be reordered or products be fused: all processors give the same bits.
FLAGS = (
    *("-O3", "-std=c11", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno"),
    *("-fno-trapping-math", "-ffinite-math-only", "-fno-signed-zeros"),
)
COMPILE_SECONDS = 300
Function = Callable[[int, int, int, int, int], int]


class _Work(ctypes.Structure):
    """`Work` of views.c."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("top", "left", "height", "width")),
        *((name, ctypes.c_void_p) for name in ("flip", "jitter", "grey", "blur", "solarise")),
        *((name, ctypes.c_void_p) for name in ("order", "factors", "taps", "mean", "std")),
        *((name, ctypes.c_int64) for name in ("rows", "columns", "size", "kernel")),
        *((f"{name}_step", ctypes.c_int64) for name in ("image", "channel", "row", "pixel")),
    )


def compiled_views(
    images: Tensor,
    parameters: Parameters,
    size: int,
    *,
    normalise: tuple[tuple[float, ...], tuple[float, ...]] | None,
    crops: bool,
    function: Function,
) -> Tensor:
    """Return the views that ``parameters`` make of images, on torch's number of threads.

    A view is a function of its image and parameters alone, to the last bit.

    Args:
        images: uint8 (B, 3 or more, H, W) on the CPU; channels from the fourth on are ignored.
        parameters: Of B samples.
        size: Of the views, px.
        normalise: Mean and standard deviation of the channels, or None.
        crops: They are cut, scaled and mirrored already.
        function: From `views_function`.

    Returns:
        float32 (B, 3, size, size).

    Raises:
        ValueError: A box is not within the images.
    """
    rows, columns = images.shape[2:]
    if not crops:
        images = images.contiguous()
        _check_boxes(parameters, rows, columns)
    kernel = kernel_size(size)
    taps = np.zeros((len(images), kernel), np.float32)
    taps[parameters.blur] = gaussian_weights(parameters.sigma[parameters.blur], kernel)
    integers = ("order",) if crops else ("top", "left", "height", "width", "order")
    arrays = {name: _as(np.int64, getattr(parameters, name)) for name in integers}
    for name in ("flip", "jitter", "grey", "blur", "solarise"):
        arrays[name] = _as(np.bool_, getattr(parameters, name))
    arrays |= {"factors": _as(np.float64, parameters.factors), "taps": taps}
    if normalise is not None:
        arrays |= {"mean": _as(np.float32, normalise[0]), "std": _as(np.float32, normalise[1])}
    work = _Work(rows=rows, columns=columns, size=size, kernel=kernel)
    for name, array in arrays.items():
        setattr(work, name, array.ctypes.data)
    work.image_step, work.channel_step, work.row_step, work.pixel_step = images.stride()
    views = torch.empty(len(images), 3, size, size)

    def some(first: int, last: int) -> None:
        where = (ctypes.addressof(work), images.data_ptr(), views.data_ptr())
        if function(*where, first, last):
            raise MemoryError(f"no memory for a view of {size} px")

    _in_threads(some, len(images))
    return views


@functools.cache
def views_function() -> Function | None:
    """Return the function of views.c, compiled here if need be; None where that cannot be done.

    The log then says why.
    """
    reasons = []
    for folder in _folders():
        file = folder / _file_name()
        try:
            if not file.is_file():
                _compile(file)
            function = ctypes.CDLL(str(file)).fourlenses_views
        except (OSError, subprocess.SubprocessError) as error:
            reasons.append(f"{folder}: {_reason(error)}")
            continue
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        function.argtypes = (pointer, pointer, pointer, number, number)
        return function
    log.warning("views are made without compiled code, which is slower: %s", "; ".join(reasons))
    return None


def _compile(file: Path) -> None:
    """Compile views.c; the result appears whole, as several jobs may do this at a time."""
    compiler = _compiler()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".views-", dir=file.parent) as folder:
        made = Path(folder) / file.name
        command = [*compiler, *FLAGS, "-o", str(made), str(SOURCE), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMPILE_SECONDS)
        ctypes.CDLL(str(made))  # not where what is there may not be run
        os.replace(made, file)


def _compiler() -> list[str]:
    try:
        named = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        raise OSError(f"the variable CC is no command ({error})") from error
    for command in (named, ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]):
            return command
    raise FileNotFoundError("there is no C compiler on PATH (cc, gcc or clang)")


def _folders() -> Iterator[Path]:
    """Where the compiled file may be: with the environment, which all nodes see, or in a cache."""
    yield Path(sys.prefix) / "lib" / "fourlenses"
    cache = own_cache_folder(os.environ)
    # "~" of a user without a home: a folder of that name would be made
    if cache.is_absolute():
        yield cache / "fourlenses"
    with contextlib.suppress(OSError):  # it belongs to somebody else, say
        yield private_temporary_folder()


def _file_name() -> str:
    """A name that changes with source, flags and kind of processor."""
    made_from = "\0".join((SOURCE.read_text("utf-8"), *FLAGS, platform.system()))
    digest = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    return f"views-{platform.machine()}-{digest}.so"


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or "").strip().splitlines()
        return lines[0] if lines else f"the compiler ended with {error.returncode}"
    return getattr(error, "strerror", None) or str(error)


def _check_boxes(parameters: Parameters, rows: int, columns: int) -> None:
    for start, length, whole in (
        (parameters.top, parameters.height, rows),
        (parameters.left, parameters.width, columns),
    ):
        if ((start < 0) | (length < 1) | (start + length > whole)).any():
            raise ValueError(f"boxes of parameters that are not for images of {columns}x{rows} px")


def _as(kind: type, values: object) -> np.ndarray:
    return np.ascontiguousarray(values, kind)


def _in_threads(work: Callable[[int, int], None], count: int) -> None:
    threads = max(1, min(torch.get_num_threads(), count))
    if threads == 1:
        return work(0, count)
    bounds = [number * count // threads for number in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    views_function()

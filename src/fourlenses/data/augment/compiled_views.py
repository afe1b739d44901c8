"""Views on a CPU by compiled code: `views.c`, an image at a time, which stays in the cache.

Where there is no compiler and nothing compiled is found, views are made by torch, operation by
operation, 4 to 20 times slower; the two differ by less than a thousandth of a grey level.

Run as a module, it compiles: set-up does, so that nodes without a compiler find the result.
"""

import ctypes
import functools
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.machine.compiled_code import compiled_library
from fourlenses.data.augment.blur import gaussian_weights, kernel_size
from fourlenses.data.augment.parameters import Parameters

SOURCE = Path(__file__).with_name("views.c")
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
    library = compiled_library(SOURCE, "views")
    if library is None:
        return None
    function = library.fourlenses_views
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = (pointer, pointer, pointer, number, number)
    return function


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

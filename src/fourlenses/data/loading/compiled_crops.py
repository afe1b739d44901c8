"""Crops by compiled code: `crops.c`, from a decoded picture straight to the batch's memory.

By hand, not torch's scaling, whose values these are to the last bit: torch wants each box copied
(and mirrored), and copies what it has scaled. Where there is no compiler, or no AVX2, torch does
it, in twice the time.

Run as a module, it compiles: set-up does, so that nodes without a compiler find the result.
"""

import ctypes
import functools
import logging
from collections.abc import Callable
from pathlib import Path

from fourlenses.core.machine.compiled_code import compiled_library

SOURCE = Path(__file__).with_name("crops.c")
# Bytes that may be read behind a picture.
SLACK = 12
# Of `Crop` in crops.c, all int64: top, left, height, width, flip, size and the address of its room.
CROP_FIELDS = 7
Function = Callable[[int, int, int, int], int]


@functools.cache
def crops_function() -> Function | None:
    """Return `fourlenses_crops` of crops.c; None where it cannot be compiled or used.

    Its arguments are the address of a picture of four bytes a pixel, the bytes from row to row, the
    address of crops and their number. It returns whether memory was lacking.
    """
    library = compiled_library(SOURCE, "crops")
    if library is None or not library.fourlenses_crops_here():
        return None
    function = library.fourlenses_crops
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = (pointer, number, pointer, number)
    return function


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    crops_function()

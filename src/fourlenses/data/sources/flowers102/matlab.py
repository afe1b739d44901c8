"""Lists of whole numbers in a MATLAB file."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.patience import open_patiently


def read_numbers(file: Path, names: Sequence[str], *, md5: str | None) -> dict[str, list[int]]:
    """Return lists of whole numbers by their names.

    Args:
        file: a MATLAB file of version 5.
        names: of the lists.
        md5: of the file as published; another file is refused. None: not checked.

    Raises:
        UserError: it is another file, cannot be read, or lacks a list.
    """
    from scipy.io import loadmat

    with open_patiently(file) as stream:
        content = stream.read()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 and found != md5:
        raise UserError(
            f"{file} has md5 {found}, the published one has {md5}; download it again, or set "
            "'verify: false' if it is meant"
        )
    try:
        read = loadmat(io.BytesIO(content), variable_names=list(names))
        lists = {name: np.ravel(read[name]) for name in names}
    except Exception as error:  # of scipy's reader, whatever it meets in a damaged file
        raise UserError(
            f"{file} cannot be read as a MATLAB file with {', '.join(names)} "
            f"({type(error).__name__}: {error}); download it again"
        ) from error
    for name, values in lists.items():
        if values.dtype.kind not in "iu" or not len(values) or values.min() < 1:
            raise UserError(f"{file}: '{name}' is no list of numbers from 1; download it again")
    return {name: values.tolist() for name, values in lists.items()}

"""C code of this package, compiled where it runs and opened by ctypes.

By hand, not numba, which ffcv brings: every job would import it for half a second and load what it
keeps, and reads its cache by pickle. What is compiled here is opened in a millisecond.
"""

import contextlib
import ctypes
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fourlenses.core.machine.home_folder import own_cache_folder, private_temporary_folder

log = logging.getLogger(__name__)
# Nothing that lets sums be reordered or products be fused: all processors give the same bits.
FLAGS = (
    *("-O3", "-std=c11", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno"),
    *("-fno-trapping-math", "-ffinite-math-only", "-fno-signed-zeros"),
)
COMPILE_SECONDS = 300


def compiled_library(source: Path, made: str) -> ctypes.CDLL | None:
    """Return the library of a C file, compiled here if need be; None where that cannot be done.

    The log then says why.

    Args:
        source: The C file.
        made: What is made by it, for the log.
    """
    reasons = []
    for folder in _folders():
        file = folder / file_name(source)
        try:
            if not file.is_file():
                _compile(source, file)
            return ctypes.CDLL(str(file))
        except (OSError, subprocess.SubprocessError) as error:
            reasons.append(f"{folder}: {_reason(error)}")
    log.warning("%s are made without compiled code, which is slower: %s", made, "; ".join(reasons))
    return None


def _compile(source: Path, file: Path) -> None:
    """Compile a C file; the result appears whole, as several jobs may do this at a time."""
    compiler = find_compiler()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{source.stem}-", dir=file.parent) as folder:
        made = Path(folder) / file.name
        command = [*compiler, *FLAGS, "-o", str(made), str(source), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMPILE_SECONDS)
        ctypes.CDLL(str(made))  # not where what is there may not be run
        os.replace(made, file)


def find_compiler() -> list[str]:
    """Return the command of a C compiler.

    Raises:
        OSError: There is none, or the variable CC is no command.
    """
    try:
        named = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        raise OSError(f"the variable CC is no command ({error})") from error
    for command in (named, ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]):
            return command
    raise FileNotFoundError("there is no C compiler on PATH (cc, gcc or clang)")


def _folders() -> Iterator[Path]:
    """Where compiled files may be: with the environment, which all nodes see, or in a cache."""
    yield Path(sys.prefix) / "lib" / "fourlenses"
    cache = own_cache_folder(os.environ)
    # "~" of a user without a home: a folder of that name would be made
    if cache.is_absolute():
        yield cache / "fourlenses"
    with contextlib.suppress(OSError):  # it belongs to somebody else, say
        yield private_temporary_folder()


def file_name(source: Path) -> str:
    """Return a name that changes with source, flags and kind of processor."""
    made_from = "\0".join((source.read_text("utf-8"), *FLAGS, platform.system()))
    digest = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    return f"{source.stem}-{platform.machine()}-{digest}.so"


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or "").strip().splitlines()
        return lines[0] if lines else f"the compiler ended with {error.returncode}"
    return getattr(error, "strerror", None) or str(error)

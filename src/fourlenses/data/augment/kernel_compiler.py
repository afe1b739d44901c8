"""Whether Triton can compile kernels here: it needs a C compiler, Python's headers and a cache."""

import functools
import importlib.util
import logging
import os
import shutil
import sysconfig
from pathlib import Path

from fourlenses.core.machine.home_folder import private_temporary_folder, why_not_writable

log = logging.getLogger(__name__)


@functools.cache
def kernels_can_be_compiled() -> bool:
    """Return whether Triton can be used; where it could be with more, the log says what is missing.

    Without it a GPU works operation by operation, as a CPU does.
    """
    if importlib.util.find_spec("triton") is None:  # as with torch for GPUs that are not NVIDIA's
        return False
    if missing := missing_for_kernels():
        log.warning("views are computed operation by operation, which is slower: %s", missing)
        return False
    _use_writable_cache()
    return True


def missing_for_kernels(include: str | None = None) -> str:
    """Return what Triton lacks to compile its launcher, as a sentence's end; "" if nothing.

    Args:
        include: Folder of Python's headers; None for this interpreter's.
    """
    headers = Path(include or sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file():
        return f"there is no Python.h in {headers} (Debian and Ubuntu: python3-dev)"
    if not os.environ.get("CC") and not (shutil.which("gcc") or shutil.which("clang")):
        return "there is no C compiler on PATH (gcc or clang)"
    return ""


def _use_writable_cache() -> None:
    """Have Triton keep its kernels in a temporary folder where the home cannot be written."""
    if os.environ.get("TRITON_CACHE_DIR") or os.environ.get("TRITON_HOME"):
        return
    home = Path(os.path.expanduser("~")) / ".triton"
    if why := why_not_writable(home):
        folder = private_temporary_folder() / "triton"
        log.info("%s cannot be written (%s); kernels are kept in %s", home, why, folder)
        os.environ["TRITON_CACHE_DIR"] = str(folder)

"""The software that a result was made with, for its record."""

import platform
import subprocess
from importlib import import_module
from pathlib import Path

from fourlenses import __version__


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of this project, of Python, and of some packages."""
    modules = {name: import_module(name).__version__ for name in packages}
    return {"fourlenses": __version__, "python": platform.python_version(), **modules}


def git_commit() -> str | None:
    """Return the commit of the checkout that this package lies in, if there is one."""
    here = Path(__file__).parent
    try:
        result = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # no git on this node
        return None
    return result.stdout.strip() or None

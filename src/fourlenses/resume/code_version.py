"""The version of the code, which decides with settings and images what a training gives."""

import hashlib
from functools import cache
from pathlib import Path

import torch

import fourlenses

# what a training may run, besides the modules of the package itself; figures, plans and reports
# change no result of it
PACKAGES = (
    "core",
    "data",
    "evaluation",
    "methods",
    "metrics",
    "models",
    "parallel",
    "resume",
    "study",
    "training",
)


@cache
def code_version() -> dict[str, str]:
    """Return ``code_sha256``, of the source files that a training may run, and ``torch``'s version.

    The files are as this process found them: what is edited while it trains does not count.
    """
    package = Path(fourlenses.__file__).parent
    files = [
        *package.glob("*.py"),
        *(file for name in PACKAGES for file in (package / name).rglob("*.py")),
        *(package / "data").rglob("*.c"),
    ]
    digest = hashlib.sha256()
    for name, file in sorted((file.relative_to(package).as_posix(), file) for file in files):
        content = file.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return {"code_sha256": digest.hexdigest(), "torch": torch.__version__}

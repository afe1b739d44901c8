"""What programs find on a machine besides cores and memory: a home, a name, a compiler."""

import os
import socket
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path

from fourlenses.core.machine.home_folder import own_cache_folder, why_not_writable
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.probe import ask

_KERNELS = """
def answer():
    from fourlenses.data.augment.kernel_compiler import missing_for_kernels
    return missing_for_kernels()
"""
_SHARED_MEMORY = Path("/dev/shm")
SLOW_NAME = 5.0  # seconds


def check_machine() -> Iterator[CheckResult]:
    yield _home(own_cache_folder(os.environ))
    yield _host_name(socket.gethostname())
    yield _headers(ask(_KERNELS).value or "")
    yield _shared_memory(_SHARED_MEMORY)


def _home(folder: Path) -> CheckResult:
    """Return the result on the folder for caches, without which Snakemake does not start."""
    why = why_not_writable(folder)
    if why:
        message = f"{folder} cannot be written ({why}); Snakemake keeps its cache there"
        remedy = (
            "export XDG_CACHE_HOME=/a/folder/of/yours (make sets it; on a cluster one that all "
            "nodes mount)"
        )
        return CheckResult("home", FAIL, message, remedy=remedy)
    return CheckResult("home", OK, f"caches can be kept in {folder}")


def _host_name(name: str, wait: float = SLOW_NAME) -> CheckResult:
    """Return the result on this machine's name, which libraries look up at their start."""
    failed: list[str] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(name, None)
        except OSError as error:
            failed.append(str(error.strerror or error))

    # a name server that does not answer is not waited for
    asked = threading.Thread(target=look_up, daemon=True)
    asked.start()
    asked.join(wait)
    if asked.is_alive():
        failed.append(f"no answer within {wait:g} s")
    if failed:
        message = f"{name} does not resolve ({failed[0]}); several GPUs meet by address instead"
        remedy = f"a line `127.0.1.1 {name}` in /etc/hosts saves other programs the wait"
        return CheckResult("host name", WARN, message, remedy=remedy)
    return CheckResult("host name", OK, f"{name} resolves")


def _headers(missing: str) -> CheckResult:
    if missing:
        remedy = "install that; on a cluster perhaps: module load gcc"
        message = f"{missing}; set-up compiles FFCV with it, and on a GPU views are slower"
        return CheckResult("compiler", WARN, message, remedy=remedy)
    headers = sysconfig.get_path("include")
    return CheckResult("compiler", OK, f"a C compiler, and Python's headers in {headers}")


def _shared_memory(folder: Path) -> CheckResult:
    why = why_not_writable(folder) if folder.is_dir() else "there is none"
    if why:
        message = f"{folder} cannot be used ({why}); only training.input: ffcv and NCCL need it"
        remedy = "several GPUs: start the container with --ipc=host or --shm-size=1g"
        return CheckResult("shared memory", WARN, message, remedy=remedy)
    return CheckResult("shared memory", OK, f"{folder} can be written")

"""Snakemake and its SLURM executor."""

import re
from collections.abc import Iterator
from importlib import metadata

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.interpreter import SETUP
from fourlenses.doctor.probe import ask

_IMPORT = """
def answer():
    import snakemake.cli
    return True
"""
_IMPORT_EXECUTOR = """
def answer():
    import snakemake_executor_plugin_slurm
    import snakemake_executor_plugin_slurm_jobstep
    return True
"""
Version = tuple[int, int]


def check_snakemake() -> Iterator[CheckResult]:
    yield _package("Snakemake", "snakemake", code=_IMPORT, least=(9, 21), below=(10, 0))
    yield _package(
        "SLURM executor",
        "snakemake-executor-plugin-slurm",
        code=_IMPORT_EXECUTOR,
        least=(2, 8),
        below=(3, 0),
        missing=WARN,  # without it studies still run on one machine
    )


def _package(
    check: str, name: str, *, code: str, least: Version, below: Version, missing: str = FAIL
) -> CheckResult:
    """Check that a package is installed, of an allowed version, and imports.

    Args:
        check: Its name in the report.
        name: Of the package.
        code: Imports it, for `ask`.
        least: The first version allowed.
        below: The first version no longer allowed.
        missing: The status if it is not installed.
    """
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return CheckResult(check, missing, f"{name} is not installed", remedy=SETUP)
    if not least <= tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < below:
        allowed = f">={'.'.join(map(str, least))},<{'.'.join(map(str, below))}"
        message = f"{name} {version}, but {allowed} is needed"
        return CheckResult(check, FAIL, message, remedy=SETUP)
    imported = ask(code)
    if imported.error:
        message = f"{name} {version}: {imported.error}"
        return CheckResult(check, FAIL, message, remedy=f"remove .venv and {SETUP}")
    return CheckResult(check, OK, f"{name} {version}")

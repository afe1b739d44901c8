"""Snakemake and its SLURM executor."""

import re
from collections.abc import Iterator
from importlib import metadata

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.interpreter import SETUP
from fourlenses.doctor.probe import ask

_IMPORT = "def answer():\n    import snakemake.cli\n    return True\n"
_IMPORT_EXECUTOR = "def answer():\n    import snakemake_executor_plugin_slurm, snakemake_executor_plugin_slurm_jobstep\n    return True\n"


def check_snakemake() -> Iterator[CheckResult]:
    yield _package("Snakemake", "snakemake", _IMPORT, (9, 21), (10, 0), FAIL)
    # without it studies still run on one machine
    yield _package(
        "SLURM executor", "snakemake-executor-plugin-slurm", _IMPORT_EXECUTOR, (2, 8), (3, 0), WARN
    )


def _package(
    check: str, name: str, code: str, least: tuple, below: tuple, missing: str
) -> CheckResult:
    allowed = f">={'.'.join(map(str, least))},<{'.'.join(map(str, below))}"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return CheckResult(check, missing, f"{name} is not installed", SETUP)
    if not least <= tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < below:
        return CheckResult(check, FAIL, f"{name} {version}, but {allowed} is needed", SETUP)
    imported = ask(code)
    if imported.error:
        return CheckResult(
            check, FAIL, f"{name} {version}: {imported.error}", f"remove .venv and {SETUP}"
        )
    return CheckResult(check, OK, f"{name} {version}")

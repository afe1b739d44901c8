"""Outputs that are there and that Snakemake would make again, as Snakemake itself says.

It decides by times, checksums, parameters, the set of inputs, code, and what it recorded of them
in `.snakemake`. `snakemake --summary` is the documented way to ask: it runs nothing, takes no lock,
and needs as long as a dry run.
https://snakemake.readthedocs.io/en/stable/executing/cli.html
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fourlenses.core.errors import UserError

_COLUMNS = ["output_file", "date", "rule", "log-file(s)", "status", "plan"]
_PENDING = "update pending"
# Snakemake's words for an output that is there; what is missing has another.
_REASONS = {
    "ok": "what it is made from is made again",
    "updated input files": "an input is newer",
    "rule implementation changed": "its rule changed",
    "set of input files changed": "it has other inputs",
    "params changed": "its settings changed",
}
_TIMEOUT = 600.0  # seconds


def outdated_files(
    project: Path,
    root: Path,
    overlays: Sequence[Path],
    *,
    values: Mapping[str, object] | None = None,
    options: Sequence[str] = (),
) -> dict[str, str]:
    """Return the outputs of a study that are there and out of date, each with the reason.

    Args:
        project: the folder of the Snakefile.
        root: the folder with data/ and results/; paths of outputs start from it.
        overlays: of config.yaml.
        values: of config keys, as after `--config`.
        options: more for Snakemake, such as a profile.

    Raises:
        UserError: Snakemake does not answer; with its last line.
    """
    written = [f"{key}={json.dumps(value)}" for key, value in (values or {}).items()]
    command = [
        *(sys.executable, "-m", "snakemake", "all", "--summary", "--cores", "1"),
        *("--snakefile", str(project / "Snakefile"), "--directory", str(root)),
        *(["--configfile", *(str(file.resolve()) for file in overlays)] if overlays else []),
        *(["--config", *written] if written else []),
        *options,
    ]
    try:
        asked = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"Snakemake gave no answer within {_TIMEOUT:g} s") from error
    lines = asked.stdout.splitlines()
    if asked.returncode or "\t".join(_COLUMNS) not in lines:
        last = [line for line in asked.stderr.splitlines() if line.strip()][-1:]
        raise UserError(f"Snakemake gave no answer ({last[0].strip() if last else 'no words'})")
    rows = (line.split("\t") for line in lines[lines.index("\t".join(_COLUMNS)) + 1 :])
    return {
        file: _REASONS[status]
        for file, _, _, _, status, plan in (row for row in rows if len(row) == len(_COLUMNS))
        if plan == _PENDING and status in _REASONS
    }


class Outdated:
    """Outputs that were out of date when Snakemake was asked.

    Asking takes seconds; one that was written since is no longer out of date.

    Args:
        files: why, by output.
        root: that their paths start from.
    """

    def __init__(self, files: Mapping[str, str], root: Path) -> None:
        self.files, self.root = dict(files), root
        self._times = {file: self._time(file) for file in files}

    def now(self) -> dict[str, str]:
        """Return those that nobody has written since, and why they are out of date."""
        return {
            file: why for file, why in self.files.items() if self._time(file) == self._times[file]
        }

    def _time(self, file: str) -> int:
        try:
            return (self.root / file).stat().st_mtime_ns
        except OSError:
            return 0


def counted(reasons: Sequence[str]) -> str:
    """Return how many there are of each reason: `its settings changed: 3; …`."""
    kinds = [reason for reason in _REASONS.values() if reason in reasons]
    return "; ".join(f"{kind}: {reasons.count(kind)}" for kind in kinds)

"""What the jobs of a dry run would ask SLURM for: a line a rule.

Snakemake shows each job alone.
"""

import logging
from collections import Counter
from collections.abc import Container, Mapping

from snakemake_interface_logger_plugins.common import LogEvent

HEADER = ("rule", "jobs", "partition", "GPUs", "CPUs", "memory", "time")


class Demands(logging.Handler):
    """A listener to Snakemake's log that counts jobs.

    Args:
        local_rules: names of the rules whose jobs run on the head's machine.
    """

    def __init__(self, local_rules: Container[str]) -> None:
        super().__init__()
        self._local_rules = local_rules
        self._submitted: Counter[tuple[str, ...]] = Counter()
        self._local: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count the job that a record is about, if it is about one."""
        fields = record.__dict__  # Snakemake adds some
        if fields.get("event") is not LogEvent.JOB_INFO:
            return
        rule = fields["rule_name"]
        if rule in self._local_rules:
            self._local[rule] += 1
        else:
            self._submitted[(rule, *_asks(fields["resources"], fields["threads"]))] += 1

    def table(self) -> str:
        """Return the table, rules in the order in which they came; "" if no job did."""
        rows = [(rule, str(count), *asks) for (rule, *asks), count in self._submitted.items()]
        lines = []
        if rows:
            lines = ["What each job would ask SLURM for (docs/guide/slurm.md):"]
            widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
            for row in (HEADER, *rows):
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                lines.append("  ".join(cells).rstrip())
        if self._local:
            counts = ", ".join(f"{rule} ({count})" for rule, count in self._local.items())
            lines.append(f"on the head's machine: {counts}")
        return "\n".join(lines)


def _asks(resources: Mapping[str, object], threads: int) -> tuple[str, ...]:
    """Return the cells of a row from the partition on."""
    nodes = resources.get("nodes") or 1
    memory, minutes = resources.get("mem_mb"), resources.get("runtime")
    time = "-" if minutes is None else str(minutes)
    if isinstance(minutes, int):
        time = f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes} min"
    gpus, cpus = _gpus(resources), str(threads)
    memory = "-" if memory is None else f"{memory} MB"
    if nodes != 1:
        gpus, cpus, memory = (
            cell if cell == "-" else f"{nodes} x {cell}" for cell in (gpus, cpus, memory)
        )
    return str(resources.get("slurm_partition") or "(best fit)"), gpus, cpus, memory, time


def _gpus(resources: Mapping[str, object]) -> str:
    """Return how many GPUs of which model, by `gpu` and `gpu_model` or by `gres`, per node."""
    gpus, model = resources.get("gpu") or 0, resources.get("gpu_model") or ""
    kind, *named = str(resources.get("gres") or "").split(":")
    if kind == "gpu":
        gpus, model = (named or ["1"])[-1], ":".join(named[:-1])
    return f"{gpus} {model}".strip() if gpus else "-"

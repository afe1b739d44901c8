"""What the jobs of a dry-run would ask SLURM for: a line per rule, where Snakemake shows the message of each job alone."""

import logging
from collections import Counter
from collections.abc import Container

HEADER = ("rule", "jobs", "partition", "GPUs", "CPUs", "memory", "time")


class Demands(logging.Handler):
    """Listens to Snakemake's log for jobs. ``local_rules``: names of those that run beside the head."""

    def __init__(self, local_rules: Container[str]) -> None:
        super().__init__()
        self._local_rules = local_rules
        self._asked: Counter[tuple[str, ...]] = Counter()
        self._local: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(getattr(record, "event", None), "name", "") != "JOB_INFO":
            return
        if record.rule_name in self._local_rules:
            self._local[record.rule_name] += 1
        else:
            self._asked[(record.rule_name, *_asks(record.resources, record.threads))] += 1

    def table(self) -> str:
        """In the order in which jobs were first named; empty if there was none."""
        rows = [(rule, str(count), *asks) for (rule, *asks), count in self._asked.items()]
        lines = []
        if rows:
            widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
            lines = ["What each job would ask SLURM for (docs/guide/slurm.md):"]
            lines += [
                "  ".join(
                    cell.ljust(width) for cell, width in zip(row, widths, strict=True)
                ).rstrip()
                for row in (HEADER, *rows)
            ]
        if self._local:
            lines.append(
                "beside the head: "
                + ", ".join(f"{rule} ({count})" for rule, count in self._local.items())
            )
        return "\n".join(lines)


def _asks(resources, threads: int) -> tuple[str, ...]:
    gpus, model = resources.get("gpu") or 0, resources.get("gpu_model") or ""
    memory, minutes = resources.get("mem_mb", "-"), resources.get("runtime", "-")
    if isinstance(minutes, int):
        minutes = f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes} min"
    gpu = f"{gpus} {model}".strip() if gpus else "-"
    return (
        resources.get("slurm_partition") or "(best fit)",
        gpu,
        str(threads),
        f"{memory} MB" if memory != "-" else memory,
        minutes,
    )

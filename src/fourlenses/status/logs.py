"""The end of a job's log: an error, a stop to be continued, or a progress bar."""

import re
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from fourlenses.core.errors import printable

_TAIL = 16384  # bytes
_ERROR = re.compile(
    r"(fourlenses: "
    r"|([A-Za-z_][\w.]*\.)?[A-Za-z_]\w*(Error|Exception|Interrupt|Exit)\b"
    r"|[\w/.-]+: error: "
    r"|.*(\bKilled$|Segmentation fault))"
)
_STOPPED = re.compile(
    r"fourlenses: (.*(run the same command again|SLURM requeues job)|interrupted$)"
)
_BAR = re.compile(
    r"(?P<done>\d+)/(?P<total>\d+) \[(?P<spent>[\d:]+)<(?P<left>[\d:?]+), *(?P<rest>[^\]]*)\]?"
)
_SPEED = re.compile(r"(\d+(?:\.\d+)?) ?images?/s")


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A progress bar; None: it does not say.

    Args:
        done: in `unit`, of `total`.
        unit: steps or images.
    """

    done: int
    total: int
    seconds_left: int | None
    images_per_second: float | None
    unit: str


@dataclass(frozen=True)
class Ending:
    """The end of a log.

    Args:
        last_line: that tells most: the error or the stop where there is one.
        failed: it is an error.
        stopped: the program stopped by itself, to be continued.
        bar: the newest one.
    """

    last_line: str
    _: KW_ONLY
    failed: bool = False
    stopped: bool = False
    bar: Bar | None = None


def ending(log: Path) -> Ending | None:
    """Return the end of a log; None if there is no such file, or it cannot be read."""
    try:
        with open(log, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return None
    # a progress bar is written over itself with carriage returns
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    if not lines:
        return Ending("")
    bars = [match for line in lines[-50:] if (match := _BAR.search(line))]
    bar = _bar(bars[-1]) if bars else None
    # Below a stop an interpreter that shuts down may leave a line or two, and torchrun one for each
    # process that it ends.
    stopped = next((line for line in lines[-50:] if _STOPPED.match(line)), None)
    if stopped:
        return Ending(printable(stopped), stopped=True, bar=bar)
    # of several nodes srun ends with a line for each task, below what the tasks say
    of_tasks = [line for line in lines if not line.startswith("srun: ")]
    errors = _errors(of_tasks) or _errors(lines)
    last = errors[-1] if errors else lines[-1]
    return Ending(printable(last), failed=bool(errors), bar=bar)


def _errors(lines: list[str]) -> list[str]:
    return [line for line in lines[-5:] if _ERROR.match(line) and not _BAR.search(line)]


def _bar(match: re.Match[str]) -> Bar:
    speed = _SPEED.search(match["rest"])
    return Bar(
        done=int(match["done"]),
        total=int(match["total"]),
        seconds_left=None if "?" in match["left"] else _seconds(match["left"]),
        images_per_second=float(speed[1]) if speed else None,
        unit="images" if _SPEED.match(match["rest"]) else "steps",
    )


def _seconds(clock: str) -> int:
    """`01:40` -> 100."""
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return seconds

"""What the end of a job's log says: an error, a stop to be continued, or how far a progress bar has come."""

import re
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import printable

_TAIL = 16384  # bytes
_ERROR = re.compile(
    r"(fourlenses: |([A-Za-z_][\w.]*\.)?[A-Za-z_]\w*(Error|Exception|Interrupt|Exit)\b|[\w/.-]+: error: |.*(\bKilled$|Segmentation fault))"
)
_STOPPED = re.compile(
    r"fourlenses: (.*(run the same command again|SLURM requeues job)|interrupted$)"
)
_BAR = re.compile(
    r"(?P<done>\d+)/(?P<total>\d+) \[(?P<spent>[\d:]+)<(?P<left>[\d:?]+), *(?P<rest>[^\]]*)\]?"
)
_SPEED = re.compile(r"(\d+(?:\.\d+)?) ?images?/s")


@dataclass(frozen=True)
class Ending:
    """The last line, whether it is an error or a stop of the program's own to be continued, and the newest bar: (done, total, seconds left,
    images a second); what a bar does not say is None. unit: of the bar's numbers.
    """

    last_line: str
    failed: bool
    stopped: bool
    bar: tuple[int, int, int | None, float | None] | None
    unit: str = "steps"


def ending(log: Path) -> Ending | None:
    """None if there is no such file, or it cannot be read."""
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
        return Ending("", False, False, None)
    bars = [match for line in lines[-50:] if (match := _BAR.search(line))]
    # below it an interpreter that shuts down may leave a line or two, and torchrun one for each process that it ends
    stopped = next((line for line in lines[-50:] if _STOPPED.match(line)), None)
    errors = [line for line in lines[-5:] if _ERROR.match(line) and not _BAR.search(line)]
    failed = not stopped and bool(errors)
    last = stopped or (errors[-1] if failed else lines[-1])
    return Ending(
        printable(last), failed, bool(stopped), _bar(bars[-1]) if bars else None, _unit(bars)
    )


def _bar(match: re.Match) -> tuple[int, int, int | None, float | None]:
    speed = _SPEED.search(match["rest"])
    left = None
    if "?" not in match["left"]:
        left = 0
        for part in match["left"].split(":"):
            left = 60 * left + int(part)
    return int(match["done"]), int(match["total"]), left, float(speed[1]) if speed else None


def _unit(bars: list[re.Match]) -> str:
    return "images" if bars and _SPEED.match(bars[-1]["rest"]) else "steps"

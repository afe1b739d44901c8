"""Space and speed of the file systems that data and results are on, and what is relied on there."""

from collections.abc import Iterator
from pathlib import Path

from fourlenses.core.units import format_bytes
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.probe import ask

_TRIAL = "from fourlenses.doctor.storage_trial import trial as answer\n"
# Bytes: below the first nothing is begun; the paper's four datasets need far more than the second.
LEAST_FREE, FEW_FREE = 1 << 30, 20 << 30
SLOW_READS, SLOW_WRITES = 200, 20e6  # random reads of 128 KiB, and bytes, a second
MOST_CLOCK_OFF = 30.0  # seconds


def check_storage(directory: Path) -> Iterator[CheckResult]:
    """Of data/ and results/ in ``directory``, which may lie on different file systems."""
    for name in ("data", "results"):
        answer = ask(_TRIAL, str(directory / name), timeout=90)
        if answer.error:
            yield CheckResult(
                f"{name}/",
                FAIL,
                f"cannot be used: {answer.error}",
                f"make {(directory / name).absolute()} writable, or put it elsewhere by a symbolic "
                "link",
            )
        else:
            yield from judge(name, answer.value)


def judge(name: str, found: dict) -> Iterator[CheckResult]:
    """Lines on what `trial` found for the folder called ``name``."""
    where = f"{found['folder']} ({found['kind']}{', over the network' if found['network'] else ''})"
    free = f"{format_bytes(found['free'])} free on {where}"
    if found["free"] < LEAST_FREE or found["files_free"] == 0:
        short = "no inodes left" if found["files_free"] == 0 else free
        yield CheckResult(
            f"{name}/ space",
            FAIL,
            short,
            "make room, or put the folder elsewhere by a symbolic link",
        )
    elif found["free"] < FEW_FREE:
        yield CheckResult(
            f"{name}/ space",
            WARN,
            free,
            "enough for small studies; docs/reference/datasets.md says what the paper's four "
            "datasets need",
        )
    else:
        yield CheckResult(f"{name}/ space", OK, free)
    writes, reads = found["write_bytes_per_second"], found["random_reads_per_second"]
    speed = f"writes {writes / 1e6:.0f} MB/s, {reads:.0f} random reads/s of 128 KiB"
    slow = writes < SLOW_WRITES or (name == "data" and reads < SLOW_READS)
    yield CheckResult(
        f"{name}/ speed",
        WARN if slow else OK,
        speed,
        "training may wait for images; input: resident reads them once" if slow else "",
    )
    if not found["renames"]:
        yield CheckResult(
            f"{name}/ files",
            FAIL,
            "a rename does not replace a file whole",
            "results need another file system",
        )
        return
    lacks = [
        what
        for what, there in (("hard links", found["hard_links"]), ("locks", found["locks"]))
        if not there
    ]
    off = found["clock_off_seconds"]
    if abs(off) > MOST_CLOCK_OFF:
        yield CheckResult(
            f"{name}/ files",
            WARN,
            f"its clock is {off:+.0f} s from this machine's",
            "have both synchronised (NTP): Snakemake and make status compare times of files",
        )
    elif lacks:
        yield CheckResult(
            f"{name}/ files",
            WARN,
            f"renames are whole, but there are no {' and no '.join(lacks)}",
            "run only one Snakemake a folder; without hard links two jobs can own a directory for "
            "a moment",
        )
    else:
        yield CheckResult(f"{name}/ files", OK, "renames are whole, hard links and locks work")

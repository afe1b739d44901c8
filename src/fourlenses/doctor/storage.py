"""Space and speed of the file systems of data and results, and the properties relied on there."""

from collections.abc import Iterator
from pathlib import Path

from fourlenses.core.units import format_bytes
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.probe import ask
from fourlenses.doctor.storage_trial import Trial

_TRIAL = "from fourlenses.doctor.storage_trial import trial as answer\n"
# Bytes: below the first nothing is begun; the paper's four datasets need far more than the second.
LEAST_FREE, FEW_FREE = 1 << 30, 20 << 30
SLOW_READS, SLOW_WRITES = 200, 20e6  # random reads of 128 KiB, and bytes, a second
MOST_CLOCK_OFF = 30.0  # seconds


def check_storage(directory: Path) -> Iterator[CheckResult]:
    """Check data/ and results/ of a directory, which may be on different file systems."""
    for name in ("data", "results"):
        answer = ask(_TRIAL, str(directory / name), timeout=90)
        if answer.error:
            remedy = (
                f"make {(directory / name).absolute()} writable, or put it elsewhere by a symbolic "
                "link"
            )
            message = f"cannot be used: {answer.error}"
            yield CheckResult(f"{name}/", FAIL, message, remedy=remedy)
        else:
            yield from judge(name, answer.value)


def judge(name: str, trial: Trial) -> Iterator[CheckResult]:
    """Return the results on space, speed and files of the folder of a name."""
    yield _space(f"{name}/ space", trial)
    yield _speed(f"{name}/ speed", trial, random_reads=name == "data")
    yield _files(f"{name}/ files", trial)


def _space(check: str, trial: Trial) -> CheckResult:
    network = ", over the network" if trial["network"] else ""
    free = f"{format_bytes(trial['free'])} free on {trial['folder']} ({trial['kind']}{network})"
    if trial["free"] < LEAST_FREE or trial["files_free"] == 0:
        message = "no inodes left" if trial["files_free"] == 0 else free
        remedy = "make room, or put the folder elsewhere by a symbolic link"
        return CheckResult(check, FAIL, message, remedy=remedy)
    if trial["free"] < FEW_FREE:
        remedy = (
            "enough for small studies; docs/reference/datasets.md says what the paper's four "
            "datasets need"
        )
        return CheckResult(check, WARN, free, remedy=remedy)
    return CheckResult(check, OK, free)


def _speed(check: str, trial: Trial, *, random_reads: bool) -> CheckResult:
    """Return the result on speed.

    Args:
        check: Its name in the report.
        trial: Of the folder.
        random_reads: Whether a training reads from the folder at random.
    """
    writes, reads = trial["write_bytes_per_second"], trial["random_reads_per_second"]
    message = f"writes {writes / 1e6:.0f} MB/s, {reads:.0f} random reads/s of 128 KiB"
    if writes < SLOW_WRITES or (random_reads and reads < SLOW_READS):
        remedy = "training may wait for images; input: resident reads them once"
        return CheckResult(check, WARN, message, remedy=remedy)
    return CheckResult(check, OK, message)


def _files(check: str, trial: Trial) -> CheckResult:
    if not trial["renames"]:
        message = "a rename does not replace a file whole"
        return CheckResult(check, FAIL, message, remedy="results need another file system")
    offset = trial["clock_off_seconds"]
    if abs(offset) > MOST_CLOCK_OFF:
        message = f"its clock is {offset:+.0f} s from this machine's"
        remedy = "have both synchronised (NTP): Snakemake and make status compare times of files"
        return CheckResult(check, WARN, message, remedy=remedy)
    works = {"hard links": trial["hard_links"], "locks": trial["locks"]}
    missing = [feature for feature, there in works.items() if not there]
    if missing:
        message = f"renames are whole, but there are no {' and no '.join(missing)}"
        remedy = (
            "run only one Snakemake a folder; without hard links two jobs can own a directory for "
            "a moment"
        )
        return CheckResult(check, WARN, message, remedy=remedy)
    if not trial["times"]:
        message = "times of files cannot be set"
        remedy = (
            "what is copied here looks new, and Snakemake makes again what depends on it: after a "
            "copy, once, snakemake --touch"
        )
        return CheckResult(check, WARN, message, remedy=remedy)
    modes = "" if trial["modes"] else "; permissions cannot be set, and are left as they are"
    return CheckResult(check, OK, f"renames are whole, hard links and locks work{modes}")

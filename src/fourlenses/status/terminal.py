"""A survey as text of 80 columns."""

from datetime import datetime

from fourlenses.core.units import format_bytes, format_duration
from fourlenses.status.survey import KINDS, STATES, Job, Survey

WIDTH = 80
_COLOURS = {"done": "32", "running": "36", "stale": "33", "failed": "31", "waiting": "2"}
_MOST = 12  # jobs listed of one state


def text(survey: Survey, colours: bool = False) -> str:
    """Counts per lens, then running, failed and stale jobs and those that wait with something begun."""
    when = datetime.fromtimestamp(survey.time).strftime("%Y-%m-%d %H:%M:%S")
    disk = sum(survey.bytes.values())
    lines = [
        f"{survey.study}: {headline(survey)}",
        f"{when}   image files {survey.betons[0]} of {survey.betons[1]}   disk used {format_bytes(disk, binary=True)}",
        "",
        *_table(survey, colours),
    ]
    for state, heading in (
        ("running", "running"),
        ("failed", "failed"),
        ("stale", "stale: began, no sign of life, no error"),
    ):
        jobs = survey.in_state(state)
        if jobs:
            lines += ["", _coloured(heading, state, colours)]
            lines += [line for job in jobs[:_MOST] for line in _job(job)]
            lines += [f"  and {len(jobs) - _MOST} more"] if len(jobs) > _MOST else []
    stopped = [job for job in survey.in_state("waiting") if job.note]
    if stopped:
        lines += [
            "",
            "waiting to be continued",
            *(line for job in stopped[:_MOST] for line in _job(job)),
        ]
    return "\n".join(lines) + "\n"


def headline(survey: Survey) -> str:
    """One clause on the whole study."""
    done, total = sum(survey.count(kind, "done") for kind in KINDS), len(survey.jobs)
    if survey.finished and done == total:
        return f"finished, all {total} jobs; the numbers are in {survey.metrics}"
    if survey.finished:
        return f"{survey.metrics} is there, though only {done} of its {total} jobs' results are"
    return f"{done} of {total} jobs done"


def _table(survey: Survey, colours: bool) -> list[str]:
    """Two lines a lens: encoders and evaluations. Lenses share jobs, so the lines of `all` are no sums."""
    lines = [
        f"{'lens':<13}{'jobs':<13}" + "".join(f"{state:>9}" for state in STATES) + f"{'all':>8}"
    ]
    for lens in [*survey.lenses(), None]:
        for kind in KINDS:
            name = (lens or "all lenses") if kind == KINDS[0] else ""
            counts = [(state, survey.count(kind, state, lens)) for state in STATES]
            cells = [
                _coloured(f"{count or '·':>9}", state if count else "waiting", colours)
                for state, count in counts
            ]
            lines.append(
                f"{name:<13}{kind:<13}" + "".join(cells) + f"{survey.count(kind, lens=lens):>8}"
            )
    return lines


def _job(job: Job) -> list[str]:
    """Name and where it stands, or what its log said and where that is."""
    lines = [
        f"  {shortened(('evaluate ' if job.kind == 'evaluations' else '') + job.name, WIDTH - 2)}"
    ]
    if job.state == "running":
        whole = progress(job)
        said = [whole] if len(whole) <= WIDTH - 4 else [_pace(job), job.note]
        return lines + [f"    {shortened(line, WIDTH - 4)}" for line in said if line]
    lines.append(f"    {shortened(job.note, WIDTH - 4)}")
    return (
        [*lines, f"    {job.log}"]
        if job.state in ("failed", "stale") and job.log and job.log.exists()
        else lines
    )


def progress(job: Job) -> str:
    """Where a running job stands, as far as known, and who runs it."""
    return ", ".join(filter(None, (_pace(job), job.note)))


def _pace(job: Job) -> str:
    parts = []
    if job.epoch is not None and job.total_epochs:
        parts.append(f"epoch {job.epoch:.1f} of {job.total_epochs:g}")
    if job.step is not None and job.total:
        parts.append(
            f"{100 * job.step // job.total} %" if parts else f"{job.step} of {job.total} {job.unit}"
        )
    if job.images_per_second:
        parts.append(f"{job.images_per_second:.0f} images/s")
    if job.seconds_left is not None:
        parts.append(f"{format_duration(job.seconds_left)} left")
    return ", ".join(parts)


def shortened(line: str, width: int) -> str:
    """Its middle left out where it is too long: names differ at their ends."""
    if len(line) <= width:
        return line
    head = (width - 1) // 2
    return f"{line[:head]}…{line[len(line) - (width - 1 - head) :]}"


def _coloured(words: str, state: str, colours: bool) -> str:
    return f"\033[{_COLOURS[state]}m{words}\033[0m" if colours else words

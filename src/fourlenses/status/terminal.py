"""A survey as text of 80 columns."""

import textwrap
from datetime import datetime

from fourlenses.core.units import format_bytes, format_duration
from fourlenses.status.job import KINDS, STATES, Job
from fourlenses.status.survey import Survey

WIDTH = 80
BAR = 40  # of its columns, for the work done
_COLOURS = {
    "done": "32",
    "changed": "35",
    "running": "36",
    "stale": "33",
    "failed": "31",
    "waiting": "2",
}
_MOST = 12  # jobs listed of one state
_HEADINGS = {
    "changed": "changed: done, and to be made again",
    "running": "running",
    "failed": "failed",
    "stale": "stale: began, no sign of life, no error",
}


def text(survey: Survey, *, colours: bool = False) -> str:
    """Return counts per lens, then the jobs that run, failed, are stale or wait to be continued."""
    when = datetime.fromtimestamp(survey.time).strftime("%Y-%m-%d %H:%M:%S")
    disk = format_bytes(sum(survey.bytes.values()), binary=True)
    written, wanted = survey.betons
    lines = [
        f"{survey.study}: {headline(survey)}",
        f"{bar(survey.work.share)} {whole(survey)}",
        f"{when}   image files {written} of {wanted}   disk used {disk}",
        "",
        *_table(survey, colours),
    ]
    for state, heading in _HEADINGS.items():
        if jobs := survey.in_state(state):
            lines += ["", _coloured(heading, state, colours), *_listed(jobs)]
            if len(jobs) > _MOST:
                lines.append(f"  and {len(jobs) - _MOST} more")
    if stopped := [job for job in survey.in_state("waiting") if job.note]:
        lines += ["", "waiting to be continued", *_listed(stopped)]
    return "\n".join(lines) + "\n"


def headline(survey: Survey) -> str:
    """Return a clause on the whole study."""
    done, total = sum(survey.count(kind, "done") for kind in KINDS), len(survey.jobs)
    if survey.finished and done == total:
        return f"finished, all {total} jobs; the numbers are in {survey.metrics}"
    if changed := len(survey.in_state("changed")):
        return f"{done} of {total} jobs done, {changed} to be made again"
    if survey.finished:
        return f"{survey.metrics} is there, though only {done} of its {total} jobs' results are"
    return f"{done} of {total} jobs done"


def bar(share: float) -> str:
    """Return a bar of text."""
    full = round(BAR * share)
    return f"[{'#' * full}{'.' * (BAR - full)}]"


def whole(survey: Survey) -> str:
    """Return how much of the work is done and how long the rest takes, as far as known."""
    work = survey.work
    said = f"{100 * work.share:.0f} % of the work"
    if not work.seconds_left:
        return said
    by = "" if work.measured else " by the plan"
    return f"{said}, about {format_duration(work.seconds_left)} left{by}"


def _table(survey: Survey, colours: bool) -> list[str]:
    """Return two lines a lens: encoders and evaluations."""
    states = "".join(f"{state:>8}" for state in STATES)
    lines = [f"{'lens':<13}{'jobs':<12}{states}{'all':>7}"]
    for name, kind, counts, total in survey.table():
        cells = "".join(
            _coloured(f"{count or '·':>8}", state if count else "waiting", colours)
            for state, count in zip(STATES, counts, strict=True)
        )
        lines.append(f"{name:<13}{kind:<12}{cells}{total:>7}")
    return lines


def _listed(jobs: list[Job]) -> list[str]:
    return [line for job in jobs[:_MOST] for line in _job(job)]


def _job(job: Job) -> list[str]:
    """Return the job's name, and its progress or its note with the path of its log."""
    name = f"evaluate {job.name}" if job.kind == "evaluations" else job.name
    details = [job.note]
    if job.state == "running":
        whole = progress(job)
        details = [whole] if len(whole) <= WIDTH - 4 else [_pace(job), job.note]
    lines = [f"  {shortened(name, WIDTH - 2)}"]
    indent = " " * 4
    for line in filter(None, details):
        # what is wrong stands whole: what to do is at its end
        lines += textwrap.wrap(
            line, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
        )
    if job.state in ("failed", "stale") and job.log.exists():
        lines.append(f"    {job.log}")
    return lines


def progress(job: Job) -> str:
    """Return how far a running job is, as far as known, and who runs it."""
    return ", ".join(filter(None, (_pace(job), job.note)))


def _pace(job: Job) -> str:
    parts = []
    if job.epoch is not None and job.total_epochs:
        parts.append(f"epoch {job.epoch:.1f} of {job.total_epochs:g}")
    if job.step is not None and job.total:
        share = f"{100 * job.step // job.total} %"
        parts.append(share if parts else f"{job.step} of {job.total} {job.unit}")
    if job.images_per_second:
        parts.append(f"{job.images_per_second:.0f} images/s")
    if job.seconds_left is not None:
        parts.append(f"{format_duration(job.seconds_left)} left")
    return ", ".join(parts)


def shortened(line: str, width: int) -> str:
    """Return a line without its middle where it is too long: names differ at their ends."""
    if len(line) <= width:
        return line
    head = (width - 1) // 2
    return f"{line[:head]}…{line[len(line) - (width - 1 - head) :]}"


def _coloured(words: str, state: str, colours: bool) -> str:
    return f"\033[{_COLOURS[state]}m{words}\033[0m" if colours else words

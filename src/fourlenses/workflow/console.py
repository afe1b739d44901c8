"""What a run shows on the terminal, and what stands last: a card, or a sentence for each failure.

Snakemake shows the whole command of a failed job twice, thousands of characters; its own log file
keeps all of it. Standard library and Snakemake's interfaces only.
"""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from snakemake_interface_logger_plugins.common import LogEvent

from fourlenses.core.errors import did_you_mean
from fourlenses.workflow.work_done import WorkDone

STREAM = "DefaultStreamHandler"  # Snakemake's name of its handler of the terminal
LONGEST_REASON = 120  # characters
MOST_FILES = 4  # of a job's input or output
NOISE = re.compile(r"Select jobs to execute\.\.\.|Execute \d+ jobs\.\.\.")
NOTHING_TO_DO = "Nothing to be done"
NO_TARGET = re.compile(r"No rule to produce (\S+)")
LOCKED = "Directory cannot be locked"
BAR = re.compile(r"\d+%\|")  # of progress: what a training was at when it ended
KILLED = (
    "a job ended without a word: killed from outside, mostly as memory ran out (a container's or "
    "the machine's, see make doctor); with --cores 1 one job runs at a time"
)
SENTENCE = "fourlenses: "  # what a program's sentence for a user begins with


class Short(logging.Formatter):
    """Snakemake's formatter without the commands of failed jobs, with short reasons and lists of
    files, and with progress by work.

    Args:
        whole: Snakemake's.
        progress: of the numbers of jobs that are done and of all.
    """

    def __init__(self, whole: logging.Formatter, progress: Callable[[int, int], str]) -> None:
        super().__init__()
        self._whole, self._progress = whole, progress

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(vars(record))
        if fields.get("event") is LogEvent.PROGRESS:
            return self._progress(int(fields["done"]), int(fields["total"]))
        if fields.get("event") is LogEvent.JOB_ERROR:
            fields |= {"shellcmd": None, "msg": fields.get("rule_msg") or ""}
        if fields.get("event") in (LogEvent.JOB_INFO, LogEvent.JOB_ERROR):
            fields |= {key: _few(fields[key]) for key in ("input", "output") if fields.get(key)}
        if fields.get("event") is LogEvent.JOB_INFO:
            reason = str(fields.get("reason") or "")
            if len(reason) > LONGEST_REASON:
                fields["reason"] = f"{reason[:LONGEST_REASON]}…"
        return self._whole.format(logging.makeLogRecord(fields))


def _few(files: Sequence[object]) -> list[object]:
    """The first files of a long list: a study's table is made of hundreds."""
    more = len(files) - MOST_FILES
    return [*files] if more <= 1 else [*files[:MOST_FILES], f"and {more} more"]


def stop(error: Exception | str) -> None:
    """End with a sentence for the user alone: after an error of its own Snakemake would put the
    line of the rule file."""
    print(f"{SENTENCE}{error}", file=sys.stderr, flush=True)
    raise SystemExit(2)


def watch_command(study: str, overlays: Sequence[Path], *, here: Path, project: Path) -> str:
    """Return the command that shows a study's progress; in another folder than the project's, where
    make has no such target, the one that follows a job's log.

    Args:
        study: its name.
        overlays: the files of its config but for config.yaml.
        here: the folder of the run.
        project: the project's folder.
    """
    if here.resolve() != project.resolve():
        return "tail -f {log}"
    if not overlays:
        return f"make status STUDY={study} WATCH=5"
    files = " ".join(os.path.relpath(file, here) for file in overlays)
    files = files.replace("{", "{{").replace("}", "}}")  # it becomes part of a rule's message
    return f'make status CONFIG="{files}" WATCH=5'


def worth_showing(record: logging.LogRecord) -> bool:
    """Return whether a record says something that the job's own error does not."""
    text = str(record.msg)
    if getattr(record, "event", None) is LogEvent.ERROR and "CalledProcessError" in text:
        return False
    return not NOISE.match(text)


class Console(logging.Handler):
    """A listener to Snakemake's log that knows how the run ended.

    Args:
        before_jobs: called once, when all jobs are known and none has started, in a dry run too.
        targets: names of the rules that a user may ask for.
        locked: what to do about the lock of another run.
        card: what a run shows that had nothing to do; "" for nothing.
        work: of the run.
    """

    def __init__(
        self,
        *,
        before_jobs: Callable[[], None],
        targets: Callable[[], Iterable[str]],
        locked: Callable[[], str],
        card: Callable[[], str],
        work: WorkDone,
    ) -> None:
        super().__init__()
        self._work = work
        self._benchmarks: dict[object, str] = {}  # of jobs that have started, by id
        self._before_jobs: Callable[[], None] | None = before_jobs
        self._targets, self._card, self._locked = targets, card, locked
        self._stopped = ""
        self._failed: dict[str, list[str]] = {}  # sentence -> logs of jobs that ended with it
        self._last = ""

    def attach(self, logger: logging.Logger) -> None:
        """Listen, and shorten what the terminal shows."""
        for handler in logger.handlers:
            if handler.name == STREAM and handler.formatter:
                handler.setFormatter(Short(handler.formatter, self._work.sentence))
                handler.addFilter(worth_showing)
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Note what a record says of the run."""
        event, text = getattr(record, "event", None), str(record.msg)
        if event is LogEvent.RUN_INFO and self._before_jobs:
            before_jobs, self._before_jobs = self._before_jobs, None
            before_jobs()
            self._work.begin()
        elif event is LogEvent.JOB_INFO:
            self._benchmarks[getattr(record, "jobid", None)] = str(
                getattr(record, "benchmark", None) or ""
            )
        elif event is LogEvent.JOB_FINISHED:
            self._work.finish(self._benchmarks.get(getattr(record, "job_id", None), ""))
        elif event is LogEvent.JOB_ERROR:
            logs = [str(log) for log in getattr(record, "log", None) or []]
            self._failed.setdefault(_last_sentence(logs), []).extend(logs[:1])
        elif event is LogEvent.ERROR and (absent := NO_TARGET.search(text)):
            self._last = self._no_target(absent[1])
        elif event is LogEvent.ERROR and LOCKED in text:
            self._last = f"{SENTENCE}{self._locked()}"
        elif text.startswith(NOTHING_TO_DO):
            self.finish(self._card())

    def finish(self, last: str) -> None:
        """Note what is to stand last, where no job failed."""
        self._last = last

    def stopped(self, sentence: str) -> None:
        """Note that a signal ended the run: what jobs say of it is no failure."""
        self._stopped = sentence

    def _no_target(self, name: str) -> str:
        targets = sorted(self._targets())
        hint = did_you_mean(name, targets)
        return (
            f"{SENTENCE}there is no target '{name}'{hint}; targets: {', '.join(targets)}, or a "
            "file that a rule makes"
        )

    def ending(self) -> str:
        """Return what is to stand last; "" for nothing."""
        failures = "\n".join(_failure(*item) for item in self._failed.items())
        return self._stopped or failures or self._last


def _failure(sentence: str, logs: Sequence[str]) -> str:
    more = f" and {len(logs) - 1} more" if len(logs) > 1 else ""
    where = f"failed: {logs[0]}{more}\n" if logs else ""
    return where + sentence


def _last_sentence(logs: Sequence[str]) -> str:
    """The program's sentence in the first log that has one, else its last line but progress."""
    for log in logs:
        try:
            lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        lines = [line for line in lines if line.strip()]
        for line in reversed(lines):
            if line.startswith(SENTENCE):
                return line
        if lines and not BAR.search(lines[-1]):
            return lines[-1]
    return KILLED

"""What a run shows, and what stands last: on records as Snakemake logs them."""

import logging
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from fourlenses.config.read import read_config
from fourlenses.lenses.plan import make_plan
from fourlenses.status.work import seconds_by_benchmark
from fourlenses.workflow.console import STREAM, Console, Short, watch_command, worth_showing
from fourlenses.workflow.work_done import WorkDone

SENTENCE = "fourlenses: config key 'device' is 'cuda', but torch sees no GPU here; use auto or cpu"


def record(event=None, text="", **fields):
    return logging.makeLogRecord({"msg": text, "event": event, **fields})


def console(**functions):
    given = {
        "before_jobs": lambda: None,
        "targets": lambda: ["all", "figures"],
        "locked": lambda: "process 5 works here",
        "card": lambda: "the card",
        "work": WorkDone(lambda: [], dict),
    }
    return Console(**(given | functions))


def failed(log: Path) -> logging.LogRecord:
    return record(LogEvent.JOB_ERROR, log=[str(log)], rule_name="pretrain", shellcmd="x" * 2000)


def test_the_sentence_of_a_failure_stands_last(tmp_path):
    watching = console()
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text(f"loading\n{SENTENCE}\n\n")
        watching.emit(failed(tmp_path / name))
    assert watching.ending() == f"failed: {tmp_path / 'a.log'} and 1 more\n{SENTENCE}"


def test_of_a_defect_the_last_line_stands_last(tmp_path):
    (tmp_path / "a.log").write_text("Traceback …\nValueError: x\n")
    watching = console()
    watching.emit(failed(tmp_path / "a.log"))
    watching.emit(failed(tmp_path / "not there"))
    assert watching.ending().splitlines()[1] == "ValueError: x"
    assert watching.ending().splitlines()[-1].startswith("a job ended without a word: killed from")


def test_a_training_that_was_killed_ends_with_no_progress_bar(tmp_path):
    bar = "simclr/a-all/seed0:   0%|  | 0/500\rsimclr/a-all/seed0:  95%|##| 476/500 [00:10<00:00]"
    (tmp_path / "a.log").write_text(f"simclr/a-all/seed0: 640 images\n{bar}")
    watching = console()
    watching.emit(failed(tmp_path / "a.log"))
    assert watching.ending().splitlines()[-1].startswith("a job ended without a word: killed from")


def test_a_misspelt_target_lists_the_targets():
    watching = console()
    watching.emit(
        record(LogEvent.ERROR, "MissingRuleException:\nNo rule to produce figurs (if you use …")
    )
    assert watching.ending() == (
        "fourlenses: there is no target 'figurs' (did you mean 'figures'?); targets: all, figures, "
        "or a file that a rule makes"
    )


def test_a_run_that_is_done_ends_with_the_card():
    watching = console()
    assert watching.ending() == ""
    watching.finish("the card")
    assert watching.ending() == "the card"
    idle = console()
    idle.emit(record(None, "Nothing to be done (all requested files are present)."))
    assert idle.ending() == "the card"


def test_data_is_looked_at_once_when_the_jobs_are_known():
    calls = []
    watching = console(before_jobs=lambda: calls.append("looked"))
    watching.emit(record(LogEvent.JOB_INFO))
    assert calls == []
    for _ in range(2):
        watching.emit(record(LogEvent.RUN_INFO))
    assert calls == ["looked"]


def test_an_error_of_the_data_ends_the_run():
    def stop():
        raise SystemExit(2)

    logger = logging.Logger("a run")
    console(before_jobs=stop).attach(logger)
    with pytest.raises(SystemExit):
        logger.info("Job stats: …", extra={"event": LogEvent.RUN_INFO})


class Whole(logging.Formatter):
    def format(self, given):
        return f"{given.msg}|{getattr(given, 'shellcmd', None)}|{getattr(given, 'reason', '')}"


def test_commands_are_left_out_and_the_record_is_not_touched():
    given = failed(Path("a.log"))
    assert "|None|" in Short(Whole(), WorkDone(lambda: [], dict).sentence).format(given)
    assert given.shellcmd == "x" * 2000
    long = record(LogEvent.JOB_INFO, reason="y" * 500)
    assert len(Short(Whole(), WorkDone(lambda: [], dict).sentence).format(long)) < 200
    assert long.reason == "y" * 500


class Files(logging.Formatter):
    def format(self, given):
        return ", ".join(map(str, given.input))


def test_lists_of_files_are_short():
    files = [f"results/mine/evaluate/{number}.json" for number in range(300)]
    short = Short(Files(), WorkDone(lambda: [], dict).sentence)
    for event in (LogEvent.JOB_INFO, LogEvent.JOB_ERROR):
        given = record(event, input=files)
        assert short.format(given) == ", ".join([*files[:4], "and 296 more"])
        assert len(given.input) == 300
    assert short.format(record(LogEvent.JOB_INFO, input=files[:5])) == ", ".join(files[:5])


def test_noise_is_left_out():
    assert not worth_showing(record(None, "Select jobs to execute..."))
    assert not worth_showing(record(None, "Execute 12 jobs..."))
    command = "RuleException:\nCalledProcessError in file x.smk, line 89:\nCommand 'set -euo …'"
    assert not worth_showing(record(LogEvent.ERROR, command))
    assert worth_showing(record(LogEvent.ERROR, "WorkflowError: a sentence"))
    assert worth_showing(record(LogEvent.JOB_INFO, "Job 1"))


def test_only_the_terminal_is_shortened():
    logger, terminal, file = (
        logging.Logger("a run"),
        logging.StreamHandler(),
        logging.StreamHandler(),
    )
    terminal.name = STREAM
    for handler in (terminal, file):
        handler.setFormatter(Whole())
        logger.addHandler(handler)
    console().attach(logger)
    assert isinstance(terminal.formatter, Short)
    assert isinstance(file.formatter, Whole)


def test_how_to_watch_a_training():
    root = Path("/a/project")
    assert watch_command("mine", [], here=root, project=root) == "make status STUDY=mine WATCH=5"
    named = watch_command("mine", [root / "studies/mi{n}e.yaml"], here=root, project=root)
    assert named == 'make status CONFIG="studies/mi{{n}}e.yaml" WATCH=5'
    assert watch_command("mine", [], here=root.parent, project=root) == "tail -f {log}"


def test_progress_counts_work(tmp_path):
    """Of a long job, one of a minute and a drawing, the drawing is hardly any work."""
    now = [0.0]
    costs = {"long.tsv": 900.0, "short.tsv": 95.0}
    work = WorkDone(lambda: ["long.tsv", "short.tsv", ""], lambda: costs, clock=lambda: now[0])
    logger, terminal = logging.Logger("a run"), logging.StreamHandler()
    terminal.name = STREAM
    terminal.setFormatter(Whole())
    logger.addHandler(terminal)
    watching = console(work=work)
    watching.attach(logger)
    watching.emit(record(LogEvent.RUN_INFO))
    done = record(LogEvent.PROGRESS, done=1, total=4)
    for number, (benchmark, seconds, said) in enumerate(
        [
            ("", 10.0, "1 of 4 jobs, 0 % of the work done"),
            ("short.tsv", 100.0, "2 of 4 jobs, 10 % of the work done, about 20 min left"),
            ("long.tsv", 1000.0, "3 of 4 jobs, 100 % of the work done"),
        ],
        1,
    ):
        watching.emit(record(LogEvent.JOB_INFO, jobid=number, benchmark=benchmark or None))
        now[0] = seconds
        watching.emit(record(LogEvent.JOB_FINISHED, job_id=number))
        done.done = number
        assert terminal.formatter.format(done) == said


def test_what_is_not_known_at_first_is_asked_again():
    now, known = [0.0], [None]
    costs = lambda: {"a": 300.0, "b": known[0]}  # noqa: E731
    work = WorkDone(lambda: ["a", "b"], costs, clock=lambda: now[0])
    work.begin()
    work.finish("a")
    assert "50 % of the work" in work.sentence(1, 2)  # what is not known counts as the others
    known[0], now[0] = 2700.0, 20.0
    assert "10 % of the work" in work.sentence(1, 2)


def test_jobs_of_the_plan_have_the_benchmarks_of_the_rules(tmp_path):
    config = read_config([])
    found = seconds_by_benchmark(config, make_plan(config))
    rules = {
        "data/scenes/32px/logs/clean.benchmark.tsv",
        "results/default/logs/pretrain/simclr/scenes-all/seed0.benchmark.tsv",
        "results/default/logs/evaluate/simclr/scenes-all/seed0.benchmark.tsv",
    }
    assert rules <= set(found)
    assert all(found[name] for name in rules)

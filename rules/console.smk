# What a run shows and how it ends: checks of data before any job, a short word on failures, and last
# the decision card or the sentence of each failure. No rule stands here.
import atexit

from snakemake.logging import logger

from fourlenses.slurm import snakemake_internals
from fourlenses.workflow import lock_holder, preflight
from fourlenses.workflow.console import Console, stop, watch_command
from fourlenses.workflow.interrupts import Interrupts
from fourlenses.workflow.work_done import WorkDone

# in the messages of trainings
WATCH = watch_command(config["study"], CONFIG_FILES[1:], here=Path.cwd(), project=PROJECT)


def check_data():
    """That datasets to be indexed are there. A dry run says so last."""
    jobs = snakemake_internals.jobs_to_run(workflow)
    indexed = {w["dataset"] for rule_name, w in jobs if rule_name == "index_dataset"}
    here = {name for name in indexed if not DOWNLOADS.get(name)}
    try:
        raw_data = Path(expanded(config["raw_data"], "raw_data"))
        preflight.check_paths(here, config["datasets"], raw_data)
    except UserError as error:
        if not workflow.dryrun:  # which may be made where no data is
            stop(error)
        CONSOLE.finish(f"fourlenses: {error}")


def begin():
    """With the jobs known, the folder locked, and Snakemake's handlers of signals installed."""
    check_data()
    if not workflow.dryrun:
        here = workflow.executor_plugin.name == "local"
        lock_holder.write_note(jobs_run_here=here)
        INTERRUPTS.install(jobs_run_here=here)


def decision_card():
    """The card and where the rest is, of a run that makes them."""
    from fourlenses.findings.show import terminal

    file = Path(placed(FILES.decision("json")))
    if (
        workflow.dryrun
        or not snakemake_internals.makes(workflow, "write_findings")
        or not file.exists()
    ):
        return ""
    more = [FILES.decision("md")]
    if snakemake_internals.makes(workflow, "write_report"):
        more.insert(0, FILES.report)
    return f"\n{terminal.cards(json.loads(file.read_text()))}\n{'  '.join(more)}"


def planned_seconds():
    """Imported late: each job's Snakemake reads this file too."""
    from fourlenses.status.work import seconds_by_benchmark

    return seconds_by_benchmark(config, PLAN)


def benchmarks_to_run():
    return [] if workflow.dryrun else snakemake_internals.benchmarks_to_run(workflow)


def show_ending():
    if ending := CONSOLE.ending():
        print(ending, file=sys.stderr, flush=True)


CONSOLE = Console(
    before_jobs=begin,
    targets=lambda: snakemake_internals.named_targets(workflow),
    locked=lock_holder.sentence,
    card=decision_card,
    work=WorkDone(benchmarks_to_run, planned_seconds),
)
INTERRUPTS = Interrupts(
    shells=snakemake_internals.shells_of_jobs, finish=CONSOLE.stopped, say=logger.warning
)
if workflow.is_main_process and not IN_MODULE:  # there the terminal is the other workflow's
    if removed := lock_holder.remove_stale():
        logger.warning(removed)
    CONSOLE.attach(logger)
    # after Snakemake's own last lines
    atexit.register(show_ending)


if not IN_MODULE:

    onsuccess:
        CONSOLE.finish(decision_card())

# What jobs ask of a scheduler and know of their time. Partitions, accounts and GPUs are the profile's: docs/guide/slurm.md. No rule stands here.
import atexit
import itertools
import re
import sys
from snakemake.logging import logger
from fourlenses.slurm.demands import Demands

MOST_GROWTH = 3  # a third attempt's growth is also the last: beyond that the job has another problem than its size


def growing(amount):
    """mem_mb or runtime (minutes) of a job that starts anew when it failed: twice as much for the second attempt, thrice for the third."""
    return lambda wildcards, attempt: amount * min(attempt, MOST_GROWTH)


def profile_resources():
    """What the profile and the command line say of resources, as text: where, the resource's name, its value."""
    settings = workflow.resource_settings
    for where, resources in [
        ("default-resources", settings.default_resources or {}),
        *(settings.overwrite_resources or {}).items(),
    ]:
        for name in resources:
            yield where, name, str(getattr(resources[name], "raw", None) or "")


def check_profile():
    """Environment variables that the profile names and that are not set reach sbatch as they stand: say so before anything is submitted."""
    missing = {}
    for where, name, value in profile_resources():
        for variable in re.findall(r"\$\{?(\w+)", value):
            if not os.environ.get(variable):
                missing.setdefault(variable, f"resource '{name}' of {where}")
    if missing:
        listed = "; ".join(f"{variable} ({where})" for variable, where in missing.items())
        raise WorkflowError(
            f"the profile takes these environment variables, which are not set: {listed}. Copy profiles/slurm/cluster.example.sh, put your "
            "cluster's names in, and `source` it before snakemake"
        )


def check_gpus():
    """With a cluster profile of one's own that gives a training fewer GPUs than it has processes, these would share one."""
    settings = workflow.resource_settings
    for name, section, variable in (
        ("pretrain", "training", "FOURLENSES_PROCESSES"),
        ("train_evaluate", "evaluation", "FOURLENSES_EVALUATION_PROCESSES"),
    ):
        processes = config[section]["processes"]
        chosen = {
            **(settings.default_resources or {}),
            **(settings.overwrite_resources or {}).get(name, {}),
        }
        gpus = str(getattr(chosen.get("gpu"), "raw", None))
        if "slurm_partition" in chosen and gpus.isdigit() and 0 < int(gpus) < processes:
            raise WorkflowError(
                f"the profile gives {name} {gpus} GPU{'s' if gpus != '1' else ''}, but the config's '{section}.processes' is {processes}, "
                f"which take one each; write `gpu: ${variable}` into the profile, or lower '{section}.processes'"
            )


# what the profile may name in its expressions, which are evaluated later than this
os.environ.update(
    FOURLENSES_PROCESSES=str(config["training"]["processes"]),
    FOURLENSES_EVALUATION_PROCESSES=str(config["evaluation"]["processes"]),
)
if workflow.is_main_process:
    check_profile()
    check_gpus()
    if any(name.startswith("slurm_") for _, name, _ in profile_resources()):
        demands = Demands(workflow._localrules)  # of a dry-run, `workflow.is_local` is true for all
        logger.addHandler(demands)
        if workflow.resource_settings.cores == 1:
            workflow.global_resources["_cores"] = (
                None  # a dry-run's own, which would be taken for the limit of each job's CPUs
            )
        # after all jobs were named; the executor is not known yet
        atexit.register(lambda: workflow.dryrun and print(demands.table(), file=sys.stderr))

# Snakemake parses this file again inside each SLURM job, whose 'runtime' is then the wall limit of what it starts. A job on this machine
# has no limit, not even in an interactive allocation, whose time the rule does not know.
IN_SLURM_JOB = not workflow.is_main_process and "SLURM_JOB_ID" in os.environ


def jobs_in_slurm_job():
    """How many jobs of Snakemake this SLURM job holds. The first Snakemake in it is told all of them and starts another for each, which is
    told of that one alone and inherits the number. (--target-jobs are not in `workflow` yet when this file is read.)
    """
    this, (slurm_job, _, number) = os.environ.get("SLURM_JOB_ID"), os.environ.get(
        "FOURLENSES_JOBS", ""
    ).partition(":")
    if slurm_job != this:
        after = (
            sys.argv[sys.argv.index("--target-jobs") + 1 :] if "--target-jobs" in sys.argv else []
        )
        number = len(
            list(itertools.takewhile(lambda argument: not argument.startswith("--"), after))
        )
        os.environ.update(FOURLENSES_JOBS=f"{this}:{number}")
    return int(number)


# a training may have its SLURM job requeued only if nothing else is in it
MAY_REQUEUE = IN_SLURM_JOB and jobs_in_slurm_job() == 1


def max_minutes(configured):
    """Of a training, as text; empty: the job's 'runtime'. What the config says comes first."""
    return "" if IN_SLURM_JOB and not configured else str(configured)


def check_accounts(known, logger):
    """Before anything is submitted, as each job would otherwise fail with it, and its retries."""
    for where, name, value in profile_resources():
        for account in (
            re.split(r"[,\s]+", os.path.expandvars(value)) if name == "slurm_account" else []
        ):
            try:
                known(account, logger)
            except WorkflowError as error:
                raise WorkflowError(
                    f"resource 'slurm_account' of {where} ({value}): {error}"
                ) from None


def patience_seconds():
    """Instead of the usual minutes, with jobs that may be lost; 0 for these."""
    text = os.environ.get("FOURLENSES_PATIENCE_SECONDS", "0")
    try:
        return float(text)
    except ValueError:
        raise WorkflowError(
            f"the environment variable FOURLENSES_PATIENCE_SECONDS is '{text}'; make it a number of seconds, or unset it"
        ) from None


onstart:
    # in the head alone (jobs run without hooks), with the executor chosen and nothing submitted yet
    if workflow.executor_plugin.name == "slurm":
        import snakemake_executor_plugin_slurm as plugin
        from fourlenses.slurm.states import mend

        mend(plugin, logger, patience_seconds())
        if hasattr(plugin, "validate_account"):
            check_accounts(plugin.validate_account, logger)

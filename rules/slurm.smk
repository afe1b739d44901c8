# Hooks for SLURM: checks before anything is submitted, and how the head waits for jobs. No rule
# stands here. Partitions, accounts and GPUs are the profile's: docs/guide/slurm.md.
import atexit
import signal

from snakemake.logging import logger

from fourlenses.slurm import profile_checks, snakemake_internals
from fourlenses.slurm.demands import Demands
from fourlenses.slurm.inside_job import forget_allocation

# of where SLURM's own config lies: the plugin removes all variables of SLURM's name
SLURM_CONF = os.environ.get("SLURM_CONF")

if INSIDE:
    # The notice of `sbatch --signal` goes to every process of the job: it is for the training.
    # By default it would end the Snakemake around it, and with it the job.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)

profile = list(snakemake_internals.profile_resources(workflow))
if workflow.is_main_process and not IN_MODULE:
    try:
        profile_checks.check_variables(profile, os.environ)
        for rule_name, section in (("pretrain", "training"), ("train_evaluate", "evaluation")):
            profile_checks.check_gpus(
                profile,
                rule_name,
                key=f"{section}.processes",
                processes=config[section]["processes"],
            )
        profile_checks.check_nodes(profile, config["training"]["nodes"])
    except UserError as error:
        raise WorkflowError(str(error)) from None
    if profile_checks.submits(profile):
        snakemake_internals.forget_dry_run_core(workflow)
        demands = Demands(snakemake_internals.local_rules(workflow))
        logger.addHandler(demands)
        # after all jobs were listed; whether this is a dry run is not known yet
        atexit.register(lambda: workflow.dryrun and print(demands.table(), file=sys.stderr))


if not IN_MODULE:  # a workflow has one such hook

    onstart:
        # with the executor chosen and nothing submitted yet
        try:
            if workflow.is_main_process:
                profile_checks.check_executor(profile, workflow.executor_plugin.name)
            if workflow.executor_plugin.name == "slurm":
                forget_allocation(os.environ, slurm_conf=SLURM_CONF)
                import snakemake_executor_plugin_slurm as plugin
                from fourlenses.slurm.states import mend

                mend(plugin, logger, profile_checks.patience_seconds(os.environ))
                check_account = snakemake_internals.account_check(plugin)
                if check_account is not None:
                    profile_checks.check_accounts(profile, check_account, logger)
        except UserError as error:
            raise WorkflowError(str(error)) from None

# Hooks for SLURM: checks before anything is submitted, and how the head waits for jobs. No rule stands here. Partitions,
# accounts and GPUs are the profile's: docs/guide/slurm.md.
import atexit

from snakemake.logging import logger

from fourlenses.slurm import profile_checks, snakemake_internals
from fourlenses.slurm.demands import Demands

profile = list(snakemake_internals.profile_resources(workflow))
if workflow.is_main_process:
    with one_sentence():
        profile_checks.check_variables(profile, os.environ)
        for rule_name, section, variable in (
            ("pretrain", "training", "FOURLENSES_PROCESSES"),
            ("train_evaluate", "evaluation", "FOURLENSES_EVALUATION_PROCESSES"),
        ):
            profile_checks.check_gpus(
                profile,
                rule_name,
                key=f"{section}.processes",
                processes=config[section]["processes"],
                variable=variable,
            )
    if profile_checks.submits(profile):
        snakemake_internals.forget_dry_run_core(workflow)
        demands = Demands(snakemake_internals.local_rules(workflow))
        logger.addHandler(demands)
        # after all jobs were listed; whether this is a dry run is not known yet
        atexit.register(lambda: workflow.dryrun and print(demands.table(), file=sys.stderr))


onstart:
    # with the executor chosen and nothing submitted yet
    if workflow.is_main_process:
        with one_sentence():
            profile_checks.check_executor(profile, workflow.executor_plugin.name)
    if workflow.executor_plugin.name == "slurm":
        import snakemake_executor_plugin_slurm as plugin
        from fourlenses.slurm.states import mend

        with one_sentence():
            mend(plugin, logger, profile_checks.patience_seconds(os.environ))
            check_account = snakemake_internals.account_check(plugin)
            if check_account is not None:
                profile_checks.check_accounts(profile, check_account, logger)

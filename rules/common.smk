# What all rules share: the checked config, the plan made from it, wildcards, and the environment
# of jobs. A helper of one rule file stands in that file, next to its rule. No rule stands here.
#
# Every one of them names `conda: "../envs/fourlenses.yaml"`, as Snakemake (9.27) has no default for
# rules: outside of one, `conda:` adds packages to the head's own Python instead.
import functools
import json

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from fourlenses.study.labels import definition_of, labels_of
from fourlenses.config.read import complete_config, config_files, with_defaults
from fourlenses.core.errors import UserError
from fourlenses.core.paths import expanded
from fourlenses.lenses.known_sizes import possible_plan
from fourlenses.slurm.inside_job import attempts_grow, count_jobs, in_slurm_job
from fourlenses.slurm.profile_checks import GPU_VARIABLES, NODES_VARIABLE
from fourlenses.slurm.snakemake_internals import (
    count_target_jobs,
    makes_environments,
    shell_prefix_before,
)
from fourlenses.study import Run, layout
from fourlenses.study.vocabulary import METRICS_FIGURES, TRAINING_PROTOCOLS
from fourlenses.workflow import needs
from fourlenses.workflow.console import stop
from fourlenses.workflow.environment import job_environment, shell_prefix
from fourlenses.workflow.signatures import signed

# the files the config was merged from, the last one winning
CONFIG_FILES = config_files([Path(file) for file in workflow.configfiles], PROJECT)
if IN_MODULE:  # a module's config replaces that of `configfile`
    config = with_defaults(config, PROJECT)
try:
    # in a job the head has checked it
    DOWNLOADS = complete_config(config, PROJECT, CONFIG_FILES, checked=not workflow.is_main_process)
    KNOWN = possible_plan(config, Path(placed(".")))
except UserError as error:
    named = any(str(file) in str(error) for file in CONFIG_FILES)
    stop(error if named else f"{error} (config: {', '.join(map(str, CONFIG_FILES))})")

PLAN = KNOWN.plan
for note in KNOWN.notes if workflow.is_main_process else ():
    logger.warning(note)

FILES = layout.Layout(config["study"], config["stored_size"])
TARGETS = needs.targets(PLAN)

# The names of jobs in paths, of which logs and directories are called.
RUN = layout.run_name("{method}", "{source}", "{seed}")
TRAINING = layout.training_record(RUN, "{protocol}", target="{target}", labels="{subset}")


wildcard_constraints:
    dataset="[a-z][a-z0-9_]*",
    size=r"\d+",
    variant="[a-z][a-z0-9_]*",
    subset=r"(\d+|all)(_balanced|_per_class)?(_draw\d+)?",
    seed=r"\d+",
    method="[a-z][a-z0-9_]*",
    file="[^/]+",
    source="[a-z0-9_@+~.-]+",
    protocol="|".join(TRAINING_PROTOCOLS),
    target="[a-z][a-z0-9_]*",
    figure="|".join(METRICS_FIGURES),


# Inside a SLURM job Snakemake reads this file again. A training may have the job requeued only if
# nothing else is in it.
INSIDE = in_slurm_job(workflow.is_main_process, os.environ)
ENVIRONMENT = job_environment(
    config,
    PROJECT,
    trackers=placed(FILES.trackers),
    in_slurm_job=INSIDE,
    may_requeue=INSIDE and count_jobs(os.environ, count_target_jobs(sys.argv)) == 1,
)
# the profile may name these in its expressions, which are evaluated later than this
for variable in (*GPU_VARIABLES.values(), NODES_VARIABLE):
    os.environ[variable] = ENVIRONMENT[variable]
# jobs use this interpreter's environment, activated or not; with --sdm conda they use
# envs/fourlenses.yaml
programs = None if makes_environments(workflow) else Path(sys.executable).parent
prefix = shell_prefix(ENVIRONMENT, PROJECT / "src", programs)
# to that of a workflow that uses this one, where each `use rule` reads this again
before = shell_prefix_before() if IN_MODULE else ""
if prefix not in before:
    shell.prefix((before + prefix).replace("{", "{{").replace("}", "}}"))


def growing(amount):
    """mem_mb or runtime (minutes) of a job that starts from nothing when it is tried again."""
    return signed(lambda wildcards, attempt: attempts_grow(amount, attempt))


def as_json(value):
    """A nested parameter, for an option of a program."""
    return json.dumps(value, sort_keys=True)


@functools.cache
def dataset_definition(name):
    """A dataset's entry in the config: as betons are `ancient`, a change of it is known by this."""
    return as_json(definition_of(config["datasets"][name]))


# what datasets, levels, methods are called in figures
LABELS = as_json(labels_of(config))


def run_of(wildcards):
    return Run(wildcards.method, wildcards.source, int(wildcards.seed))

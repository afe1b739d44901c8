"""Environment variables of every job: where and with which resources it runs.

They are no part of a rule's parameters, so that a change of one runs no job again.
"""

import os
import shlex
from pathlib import Path

from fourlenses.core.orphan import HEAD
from fourlenses.core.paths import expanded
from fourlenses.slurm.inside_job import max_minutes
from fourlenses.study.layout import Layout

PREFIX = "FOURLENSES_"
# What a user's shell may set for another program. Warnings that are errors, or a Python that asks
# for commands at its end, fail every job; to a training the ranks are those of other processes.
_OF_OTHER_PROGRAMS = (
    *("PYTHONWARNINGS", "PYTHONHOME", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONDEVMODE"),
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK"),
    *("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID"),
)


def job_environment(
    config: dict,
    project: Path,
    *,
    in_slurm_job: bool,
    may_requeue: bool,
    trackers: str | None = None,
) -> dict[str, str]:
    """Return the variables, prefix included.

    Args:
        config: checked and completed.
        project: the folder of the Snakefile.
        in_slurm_job: this Snakemake was started by the executor inside a SLURM job.
        may_requeue: nothing else is in that SLURM job.
        trackers: the folder of what trackers write; None: where the layout has it.
    """
    training, evaluation = config["training"], config["evaluation"]
    variables = {
        "SCRIPTS": str(project / "workflow_scripts"),
        "RAW_DATA": expanded(config["raw_data"], "raw_data"),
        "DEVICE": config["device"],
        "MAX_UNDECODABLE": str(config["max_undecodable"]),
        "PRETRAIN_INPUT": training["input"],
        "PROCESSES": str(training["processes"]),
        "NODES": str(training["nodes"]),
        "EVALUATION_PROCESSES": str(evaluation["processes"]),
        "CHECKPOINT_MINUTES": str(training["checkpoint_minutes"]),
        "MAX_MINUTES": max_minutes(training["max_minutes"], in_slurm_job),
        "REQUEUE": "yes" if training["requeue"] and may_requeue else "",
        "STAGE_TO": training["stage_to"],
        "STEP": training["step"],
        "LOG_TO": " ".join(training["log_to"]),
        "TRACKERS": trackers or Layout(config["study"], config["stored_size"]).trackers,
        "KEEP_FEATURES": "yes" if evaluation["keep_features"] else "",
    }
    return {PREFIX + name: value for name, value in variables.items()}


def shell_prefix(variables: dict[str, str], sources: Path, programs: Path | None) -> str:
    """Return what precedes the command of every job.

    Args:
        variables: of `job_environment`.
        sources: the folder of the package, put in front of PYTHONPATH.
        programs: the folder of this interpreter, put in front of PATH; None where jobs run in an
            environment that Snakemake makes.
    """
    exports = {name: shlex.quote(value) for name, value in variables.items()}
    # packages of ~/.local would come before those of an environment that conda made
    exports["PYTHONNOUSERSITE"] = "1"
    exports["PYTHONPATH"] = f"{shlex.quote(str(sources))}${{PYTHONPATH:+:$PYTHONPATH}}"
    if programs is not None:
        exports["PATH"] = f"{shlex.quote(str(programs))}{os.pathsep}$PATH"
    # by which a program learns that its Snakemake was killed
    exports[HEAD] = "$PPID"
    listed = "".join(f"export {name}={value}; " for name, value in exports.items())
    # SLURM sends its notices to every process of a job. A shell without a trap ends at once, so
    # Snakemake takes the job for failed and leaves, and SLURM kills the program before its
    # checkpoint is written. A shell with one waits for its program, which gets the signal itself.
    # A closed terminal sends SIGHUP likewise.
    forgotten = " ".join(_OF_OTHER_PROGRAMS)
    return f"set -euo pipefail; trap : TERM USR1 HUP; unset {forgotten}; {listed}"

"""Checks of a SLURM profile, made before anything is submitted."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from logging import Logger

from snakemake_interface_common.exceptions import WorkflowError

from fourlenses.core.errors import UserError
from fourlenses.slurm.snakemake_internals import DEFAULTS, ProfileResource

# what a profile may write as `gpu` of a rule that trains, one for each process
GPU_VARIABLES = {
    "pretrain": "FOURLENSES_PROCESSES",
    "train_evaluate": "FOURLENSES_EVALUATION_PROCESSES",
}
NODES_VARIABLE = "FOURLENSES_NODES"
PATIENCE = "FOURLENSES_PATIENCE_SECONDS"


def submits(resources: Sequence[ProfileResource]) -> bool:
    """Return whether the profile is one for SLURM."""
    return any(resource.name.startswith("slurm_") for resource in resources)


def check_executor(resources: Sequence[ProfileResource], executor: str) -> None:
    """Check that a profile for SLURM submits to it.

    profiles/slurm-squeue names no executor: it is laid over profiles/slurm, which does.

    Raises:
        UserError: its jobs would run on this machine, often the login node.
    """
    if submits(resources) and executor == "local":
        raise UserError(
            "the profile names resources of SLURM, but its jobs would run on this machine "
            "(`executor: local`). Without accounting both profiles are needed: --profile "
            "profiles/slurm --workflow-profile profiles/slurm-squeue. To run here: "
            "--workflow-profile profiles/local"
        )


def check_variables(resources: Sequence[ProfileResource], environment: Mapping[str, str]) -> None:
    """Check that every environment variable that the profile names is set.

    One that is not would reach sbatch as it stands.

    Raises:
        UserError: some are not; all of them are named.
    """
    missing: dict[str, str] = {}
    for resource in resources:
        for variable in re.findall(r"\$\{?(\w+)", resource.text):
            if not environment.get(variable):
                missing.setdefault(variable, f"resource '{resource.name}' of {resource.block}")
    if missing:
        listed = "; ".join(f"{variable} ({where})" for variable, where in missing.items())
        raise UserError(
            f"the profile takes these environment variables, which are not set: {listed}. Copy "
            "profiles/slurm/cluster.example.sh, put your cluster's names in, and `source` it "
            "before snakemake"
        )


def check_gpus(
    resources: Sequence[ProfileResource], rule: str, *, key: str, processes: int
) -> None:
    """Check that each process of a training gets a GPU.

    Args:
        resources: of the profile.
        rule: the rule that trains.
        key: the config key that says how many processes, such as training.processes.
        processes: its value.

    Raises:
        UserError: the profile sends the rule to SLURM with a smaller number of GPUs.
    """
    chosen = _of_rule(resources, rule)
    gpus = chosen.get("gpu", "")
    variable = GPU_VARIABLES[rule]
    if "slurm_partition" in chosen and gpus.isdigit() and 0 < int(gpus) < processes:
        raise UserError(
            f"the profile gives {rule} {gpus} GPU{'s' if gpus != '1' else ''}, but the config's "
            f"'{key}' is {processes}, which take one each; write `gpu: ${variable}` into the "
            f"profile, or lower '{key}'"
        )


def check_nodes(resources: Sequence[ProfileResource], nodes: int) -> None:
    """Check that GPUs of a pretraining on several nodes are asked for per node.

    Raises:
        UserError: the profile asks for `gpu`, which SLURM counts over all nodes and may share out
            unevenly.
    """
    chosen = _of_rule(resources, "pretrain")
    gpus = chosen.get("gpu", "0")
    by_node = "gpu" in chosen.get("gres", "") or f"${NODES_VARIABLE}" in gpus
    if nodes > 1 and "slurm_partition" in chosen and gpus != "0" and not by_node:
        raise UserError(
            f"the config's 'training.nodes' is {nodes}, but the profile asks for GPUs of pretrain "
            f"by `gpu: {gpus}`, which SLURM counts over all nodes; take the lines gpu, gpu_model "
            "and gres from profiles/slurm/config.yaml, or set 'training.nodes' to 1"
        )


def _of_rule(resources: Sequence[ProfileResource], rule: str) -> dict[str, str]:
    """Return the resources that the profile gives to a rule, by name."""
    return {
        resource.name: resource.text
        for block in (DEFAULTS, rule)
        for resource in resources
        if resource.block == block
    }


def check_accounts(
    resources: Sequence[ProfileResource], check: Callable[[str, Logger], object], logger: Logger
) -> None:
    """Check that the accounts of the profile are the user's. Each job would otherwise fail by it.

    Args:
        resources: of the profile.
        check: the plugin's own check, which raises a WorkflowError.
        logger: Snakemake's.

    Raises:
        UserError: one is not.
    """
    for resource in resources:
        if resource.name != "slurm_account":
            continue
        for account in re.split(r"[,\s]+", os.path.expandvars(resource.text)):
            try:
                check(account, logger)
            except WorkflowError as error:
                raise UserError(
                    f"resource 'slurm_account' of {resource.block} ({resource.text}): {error}"
                ) from None


def patience_seconds(environment: Mapping[str, str]) -> float:
    """Return how long to wait for jobs that may be lost; 0 for the usual minutes.

    Raises:
        UserError: the environment variable is no number.
    """
    text = environment.get(PATIENCE, "0")
    try:
        return float(text)
    except ValueError:
        raise UserError(
            f"the environment variable {PATIENCE} is '{text}'; make it a number of seconds, or "
            "unset it"
        ) from None

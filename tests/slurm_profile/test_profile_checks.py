"""Checks of a SLURM profile."""

import logging

import pytest
from snakemake_interface_common.exceptions import WorkflowError

from fourlenses.core.errors import UserError
from fourlenses.slurm import profile_checks
from fourlenses.slurm.snakemake_internals import DEFAULTS, ProfileResource

PROFILE = [
    ProfileResource(DEFAULTS, "slurm_account", "$ACCOUNT"),
    ProfileResource(DEFAULTS, "slurm_partition", "cpu"),
    ProfileResource("pretrain", "slurm_partition", "${GPUS}"),
    ProfileResource("pretrain", "gpu", "2"),
]


def test_variables_that_are_not_set_are_all_named():
    profile_checks.check_variables(PROFILE, {"ACCOUNT": "lab", "GPUS": "gpu"})
    with pytest.raises(
        UserError, match=r"ACCOUNT \(.*account.*\); GPUS \(.*'slurm_partition' of pretrain\)"
    ):
        profile_checks.check_variables(PROFILE, {"GPUS": ""})


def check_gpus(processes: int, profile=PROFILE) -> None:
    profile_checks.check_gpus(profile, "pretrain", key="training.processes", processes=processes)


def test_each_process_needs_a_gpu():
    check_gpus(2)
    with pytest.raises(
        UserError, match=r"gives pretrain 2 GPUs, but .* is 4, .* `gpu: \$FOURLENSES_PROCESSES`"
    ):
        check_gpus(4)


def test_no_check_of_an_expression_nor_without_slurm():
    check_gpus(4, [*PROFILE[:3], ProfileResource("pretrain", "gpu", "$COUNT")])
    check_gpus(4, [PROFILE[3]])


def test_a_slurm_profile_is_not_run_on_this_machine():
    profile_checks.check_executor(PROFILE, "slurm")
    profile_checks.check_executor([PROFILE[3]], "local")
    with pytest.raises(UserError, match="would run on this machine"):
        profile_checks.check_executor(PROFILE, "local")


def test_each_account_is_checked_once(monkeypatch):
    monkeypatch.setenv("ACCOUNT", "lab, other")
    asked = []
    profile_checks.check_accounts(
        PROFILE, lambda account, logger: asked.append(account), logging.getLogger()
    )
    assert asked == ["lab", "other"]

    def refuse(account: str, logger: logging.Logger) -> None:
        raise WorkflowError(f"{account} is not yours")

    with pytest.raises(
        UserError, match=r"'slurm_account' of default-resources \(\$ACCOUNT\): lab is not yours"
    ):
        profile_checks.check_accounts(PROFILE, refuse, logging.getLogger())


def test_patience():
    assert profile_checks.patience_seconds({}) == 0
    assert profile_checks.patience_seconds({profile_checks.PATIENCE: "20"}) == 20
    with pytest.raises(UserError, match="is 'soon'; make it a number of seconds"):
        profile_checks.patience_seconds({profile_checks.PATIENCE: "soon"})


def test_gpus_of_several_nodes_are_asked_for_per_node():
    profile_checks.check_nodes(PROFILE, 1)
    profile_checks.check_nodes([PROFILE[3]], 2)  # no SLURM
    gres = ProfileResource("pretrain", "gres", "gpu:a100:2")
    profile_checks.check_nodes([*PROFILE, gres], 2)
    own = ProfileResource("pretrain", "gpu", "0 if $FOURLENSES_NODES > 1 else 2")
    profile_checks.check_nodes([*PROFILE[:3], own], 2)
    profile_checks.check_nodes([*PROFILE[:3], ProfileResource("pretrain", "gpu", "0")], 2)
    with pytest.raises(
        UserError, match=r"'training\.nodes' is 2, .* by `gpu: 2`, .* lines gpu, gpu_model and gres"
    ):
        profile_checks.check_nodes(PROFILE, 2)

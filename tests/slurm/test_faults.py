"""Faults injected into training on a real SLURM: in the end the encoder has the bytes it would have had, or it is said what to do."""

import filecmp
import json
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.slurm.cluster import Study, resumed_steps, wait_until
from tests.slurm.conftest import RUN

pytestmark = pytest.mark.slurm
ENCODER = f"{RUN}/encoder.safetensors"
LOG = "results/faults/logs/pretrain/simclr/drawings-64/seed0.log"


def files(study: Study, pattern: str) -> list[Path]:
    return sorted(study.folder.glob(f"results/faults/checkpoints/simclr/drawings-64/seed0/*/{pattern}"))


def await_training(study: Study, after: int = 0) -> int:
    """Wait until a job later than ``after`` trains and has taken a checkpoint; its id."""

    def training():
        owners = files(study, "owner.json")
        try:
            job = int(json.loads(owners[0].read_text())["slurm_job_id"]) if owners else 0
        except (FileNotFoundError, ValueError):
            return 0
        return job if job > after and files(study, "step*.pt") else 0

    return wait_until(training, f"a job trains\n{study.folder}")


def assert_undisturbed(study: Study) -> None:
    assert filecmp.cmp(study.folder / ENCODER, study.folder / "undisturbed.safetensors", shallow=False)
    assert not files(study, "*")  # nothing left behind


def assert_resumed(study: Study) -> None:
    assert resumed_steps((study.folder / LOG).read_text())


def assert_completes(study: Study, head) -> None:
    assert head.end() == 0, head.said()
    assert_undisturbed(study)


def test_a_job_asks_for_what_the_rule_says_and_knows_its_wall_limit(study):
    head = study.start(ENCODER)
    known = study.cluster.job(await_training(study))
    pid = json.loads(files(study, "owner.json")[0].read_text())["pid"]
    command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    assert command[command.index("--max-minutes") + 1] == "720"
    assert {key: known[key] for key in ("Partition", "TimeLimit", "MinMemoryNode", "NumCPUs", "TresPerJob")} == {
        "Partition": "gpu", "TimeLimit": "12:00:00", "MinMemoryNode": "48000M", "NumCPUs": "8", "TresPerJob": "gres:gpu:fake:1",
    }  # fmt: skip
    assert_completes(study, head)


def test_a_time_limit_in_the_middle_of_training(study):
    head = study.start(ENCODER)
    job = await_training(study)
    soon = datetime.now() + timedelta(seconds=2)
    study.cluster.run("scontrol", "update", f"jobid={job}", f"EndTime={soon:%Y-%m-%dT%H:%M:%S}")
    wait_until(lambda: study.cluster.job(job)["JobState"] == "TIMEOUT", "the job timed out")
    assert_completes(study, head)
    assert_resumed(study)
    assert len(study.cluster.jobs("pretrain")) > 1


def test_training_across_several_slots_by_its_own_budget(study):
    config = yaml.safe_load(study.config.read_text())
    config["training"]["max_minutes"] = 0.3  # of 27 seconds of work, starting included
    study.config.write_text(yaml.safe_dump(config))
    before = study.cluster.jobs("pretrain")
    head = study.start(ENCODER, retries=12)
    assert_completes(study, head)
    ended = [study.cluster.job(job)["JobState"] for job in study.cluster.jobs("pretrain") if job not in before]
    assert len(ended) > 1
    assert set(ended[:-1]) == {"FAILED"}
    assert ended[-1] == "COMPLETED"
    assert_resumed(study)


def test_a_cancelled_job_is_submitted_again(study):
    head = study.start(ENCODER)
    job = await_training(study)
    study.cluster.run("scancel", str(job))
    assert_completes(study, head)
    assert study.cluster.job(job)["JobState"] == "CANCELLED"
    assert_resumed(study)


def test_a_requeued_job_goes_on_under_its_number(study):
    head = study.start(ENCODER)
    job = await_training(study)
    study.cluster.run("scontrol", "requeue", str(job))
    assert_completes(study, head)
    assert study.cluster.job(job)["Restarts"] == "1"
    assert_resumed(study)


def test_a_node_that_is_set_down(study):
    head = study.start(ENCODER)
    job = await_training(study)
    study.cluster.run("scontrol", "update", "nodename=node1", "state=down", "reason=test")
    wait_until(lambda: study.cluster.job(job)["JobState"] != "RUNNING", "the job was taken from the node")
    study.cluster.run("scontrol", "update", "nodename=node1", "state=resume")
    assert_completes(study, head)
    assert_resumed(study)


def test_a_killed_slurmd_does_not_stop_the_job(study):
    head = study.start(ENCODER)
    await_training(study)
    os.kill(study.cluster.slurmd("node1"), signal.SIGKILL)
    study.cluster.script("start")  # as systemd would
    assert_completes(study, head)


def test_a_killed_head_that_is_restarted_does_not_train_twice_at_a_time(study):
    head = study.start(ENCODER)
    first = await_training(study)
    head.kill()
    refused = study.start(ENCODER)
    assert refused.end() != 0
    assert "--unlock" in refused.said()
    assert study.start(ENCODER, "--unlock").end() == 0
    second = study.start(ENCODER, retries=8)
    wait_until(lambda: [job for job in study.cluster.jobs("pretrain") if job > first], "the job was submitted again")
    owner = json.loads(files(study, "owner.json")[0].read_text()) if files(study, "owner.json") else None
    assert owner is None or owner["slurm_job_id"] == str(first) or study.cluster.job(first)["JobState"] != "RUNNING"
    assert_completes(study, second)


def test_two_heads_on_one_study(study):
    head = study.start(ENCODER)
    await_training(study)
    other = study.start(ENCODER)
    assert other.end() != 0
    assert "locked" in other.said()
    assert_completes(study, head)


def test_a_corrupt_checkpoint_is_passed_over(study):
    head = study.start(ENCODER)
    job = await_training(study)
    wait_until(lambda: len(files(study, "step*.pt")) == 2, "two checkpoints")
    study.cluster.run("scancel", "--signal=KILL", "--full", str(job))
    wait_until(lambda: study.cluster.job(job)["JobState"] not in ("RUNNING", "COMPLETING"), "the job is gone")
    newest = files(study, "step*.pt")[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    assert_completes(study, head)
    log = (study.folder / LOG).read_text()
    assert f"{newest.name} cannot be used" in log
    assert resumed_steps(log) != []


def test_a_job_that_always_fails_is_bounded_and_named_while_the_rest_goes_on(study):
    config = yaml.safe_load(study.config.read_text())
    config["methods"]["broken"] = {**config["methods"]["simclr"], "preset": "minutes", "method": "simclr", "learning_rate": 1e30}
    config["quantity"]["methods"] = ["simclr", "broken"]
    study.config.write_text(yaml.safe_dump(config))
    before = study.cluster.jobs("pretrain")
    broken = ENCODER.replace("simclr", "broken")
    head = study.start(ENCODER, broken, retries=2)
    assert head.end() != 0
    assert_undisturbed(study)
    assert len([job for job in study.cluster.jobs("pretrain") if job not in before]) == 1 + 3
    said = head.said()
    assert "is not finite" in said
    assert "lower 'learning_rate'" in said
    assert "broken" in said[-4000:]

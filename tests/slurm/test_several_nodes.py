"""One pretraining on both nodes of a real SLURM.

It ends with the bytes of the same training that nothing disturbed, whatever happens to a node.
"""

import filecmp
import json
import os
import re
import shutil
import signal
from pathlib import Path

import psutil
import pytest
import yaml

from fourlenses.resume.result_cache import FOLDER
from tests.slurm.cluster import Head, Study, wait_until
from tests.slurm.conftest import copy_of, run_here
from tests.slurm.test_faults import change
from tests.slurm.test_slots import await_job, await_restarts, slots
from tests.slurm.training import ENCODER, LOG, RUN, Training, files, held, resumed_steps

pytestmark = pytest.mark.slurm
PARTITION = "FOURLENSES_GPU_PARTITION"
BOTH = {PARTITION: "pair"}


@pytest.fixture(scope="module")
def prepared_for_two(cluster, prepared, tmp_path_factory) -> Path:
    """The prepared study's folder, with what two nodes make of it in undisturbed/."""
    folder = tmp_path_factory.mktemp("prepared-for-two")
    study = copy_of(prepared, cluster, folder / "first")
    change(study, nodes=2)
    head = study.start(ENCODER, retries=0, environment=BOTH)
    assert head.end() == 0, head.output()
    study.close()
    shutil.copytree(prepared, folder / "study")
    shutil.rmtree(folder / "study/undisturbed")
    (study.folder / RUN).rename(folder / "study/undisturbed")
    shutil.copyfile(study.config, folder / "study/config.yaml")
    return folder / "study"


@pytest.fixture
def study(cluster, prepared_for_two, tmp_path):
    cluster.script("start")  # whatever the test before did to it
    study = copy_of(prepared_for_two, cluster, tmp_path / "study")
    yield study
    study.close()


def assert_completes(study: Study, head: Head, resumed: bool = True) -> None:
    assert head.end() == 0, head.output()
    assert bool(resumed_steps(study)) == resumed
    undisturbed = study.folder / "undisturbed/encoder.safetensors"
    assert filecmp.cmp(study.folder / ENCODER, undisturbed, shallow=False)
    assert [file.name for file in files(study, "*")] == [FOLDER]


def ranks(training: Training) -> dict[int, psutil.Process]:
    """The processes of a training, of which `training` is the first, by number.

    Another cluster of this machine may have a job of the same id.
    """
    folder, known = psutil.Process(training.pid).cwd(), {}
    for process in psutil.process_iter():
        try:
            variables, here = process.environ(), process.cwd()
        except psutil.Error:
            continue
        if here != folder:
            continue
        if variables.get("SLURM_JOB_ID") == str(training.job) and "RANK" in variables:
            known[int(variables["RANK"])] = process
    return known


def test_two_nodes_train_as_two_processes_of_one_machine_do(study, prepared, tmp_path):
    """To the last bit; and of the SLURM job: what it asks for."""
    head = study.start(ENCODER, retries=0, environment=BOTH)
    training = held(study)
    known = study.cluster.job(training.job)
    asked = ("NumNodes", "NumTasks", "MinMemoryNode", "NumCPUs", "CPUs/Task", "TresPerNode")
    assert {key: known[key] for key in asked} == {
        "NumNodes": "2",
        "NumTasks": "2",
        "MinMemoryNode": "48000M",
        "NumCPUs": "16",
        "CPUs/Task": "8",
        "TresPerNode": "gres:gpu:fake:1",
    }
    wait_until(lambda: len(ranks(training)) == 2, "both processes are there", 60)
    variables = {rank: process.environ() for rank, process in ranks(training).items()}
    assert {rank: known["SLURMD_NODENAME"] for rank, known in variables.items()} == {
        0: "node1",
        1: "node2",
    }
    assert {known["CUDA_VISIBLE_DEVICES"] for known in variables.values()} == {"0"}
    steps = study.cluster.run("scontrol", "show", "step", str(training.job))
    assert "Nodes=2 CPUs=16 Tasks=2" in steps  # all that the job has
    assert len(files(study, "live.json")) == 1
    training.go_on()
    assert_completes(study, head, resumed=False)
    record = json.loads((study.folder / RUN / "run.json").read_text())
    assert record["effective"]["processes"] == 2
    # to one process the tests without SLURM compare
    two_here = tmp_path / "here"
    shutil.copytree(prepared, two_here)
    config = yaml.safe_load((two_here / "config.yaml").read_text())
    config["training"]["processes"] = 2
    (two_here / "config.yaml").write_text(yaml.safe_dump(config))
    run_here(two_here, two_here / "config.yaml")
    assert filecmp.cmp(study.folder / ENCODER, two_here / ENCODER, shallow=False)


def test_slots_of_two_nodes_are_one_job_without_retries(study):
    slots(study)
    head = study.start(ENCODER, retries=0, environment=BOTH)
    job = await_job(study)
    await_restarts(study, job, 2)
    slots(study, 60)
    assert_completes(study, head)
    assert study.jobs("pretrain") == [job]
    assert study.cluster.job(job)["JobState"] == "COMPLETED"


def test_where_slurm_refuses_both_nodes_end_with_code_75(study):
    slots(study)
    head = study.start(ENCODER, retries=1, environment=BOTH)
    job = await_job(study)
    study.cluster.run("scontrol", "update", f"jobid={job}", "requeue=0")
    study.cluster.await_state(job, "FAILED")
    slots(study, 60)
    assert_completes(study, head)
    assert "this job is not requeued: scontrol refused" in head.output()
    assert len(study.jobs("pretrain")) == 2


@pytest.mark.parametrize("partition", ["pairlow", "pairgrace"])
def test_preemption_of_two_nodes(study, partition):
    head = study.start(ENCODER, environment={PARTITION: partition})
    training = held(study)
    # the GPUs of the second node alone, for a job of a partition that goes first
    wanted = ["--nodes=1", "--nodelist=node2", "--gres=gpu:fake:2", "-t", "1"]
    study.cluster.run("sbatch", "-p", "pair", *wanted, "-o", "/dev/null", "--wrap", "true")
    wait_until(
        lambda: study.cluster.job(training.job)["JobState"] != "RUNNING", "the job had to go"
    )
    assert_completes(study, head)
    known = study.cluster.job(training.job)
    if partition == "pairlow":
        assert known["Restarts"] == "1"
    else:
        assert known["JobState"] == "FAILED"
        assert "after SIGTERM" in head.output()


def test_the_notice_before_a_time_limit_reaches_both_nodes(study):
    head = study.start(ENCODER, environment=BOTH)
    training = held(study)
    study.cluster.run("scancel", "--signal=USR1", str(training.job))
    training.go_on()
    assert_completes(study, head)
    assert "after SIGUSR1" in head.output()


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_one_of_two_nodes_that_is_set_down(study, node):
    head = study.start(ENCODER, retries=0, environment=BOTH)
    training = held(study)
    processes = ranks(training)
    study.cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    wait_until(
        lambda: study.cluster.job(training.job)["JobState"] != "RUNNING",
        "the job was taken from the nodes",
    )
    training.go_on()
    wait_until(
        lambda: not any(process.is_running() for process in processes.values()),
        "its processes ended on both nodes",
    )
    study.cluster.script("start")  # and back again
    assert_completes(study, head)
    assert int(study.cluster.job(training.job)["Restarts"]) >= 1


def test_a_killed_slurmd_of_the_second_node_that_comes_back_disturbs_nothing(study):
    head = study.start(ENCODER, environment=BOTH)
    training = held(study)
    os.kill(study.cluster.slurmd("node2"), signal.SIGKILL)
    study.cluster.script("start")  # as systemd would
    training.go_on()
    assert_completes(study, head, resumed=False)
    assert study.jobs("pretrain") == [training.job]
    assert study.cluster.job(training.job)["Restarts"] == "0"


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_killed_on_one_node_ends_the_job_which_says_so(study, rank):
    head = study.start(ENCODER, environment=BOTH)
    training = held(study)
    ranks(training)[rank].kill()
    training.go_on()
    study.cluster.await_state(training.job, "FAILED")
    assert_completes(study, head)
    assert re.search(r"process \d of 2 \(on .*\) cannot reach the others any more", head.output())
    assert len(study.jobs("pretrain")) == 2


def test_betons_are_copied_to_each_node(study, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    change(study, stage_to=str(disk / "$SLURMD_NODENAME"))
    for node in ("node1", "node2"):
        (disk / node).mkdir()
    head = study.start(ENCODER, environment=BOTH)
    training = held(study)
    copies = [path.relative_to(disk).parts[0] for path in disk.glob("*/*/*/*.beton")]
    assert sorted(copies) == ["node1", "node2"]
    training.go_on()
    assert_completes(study, head, resumed=False)
    assert not list(disk.glob("*/*/*/*"))


def test_a_profile_that_counts_gpus_over_all_nodes_is_refused(study, tmp_path):
    shipped = yaml.safe_load((Path(__file__).parents[2] / "profiles/slurm/config.yaml").read_text())
    shipped["set-resources"]["pretrain"].pop("gres")
    shipped["set-resources"]["pretrain"]["gpu"] = "$FOURLENSES_PROCESSES"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/config.yaml").write_text(yaml.safe_dump(shipped))
    head = study.start(ENCODER, environment=BOTH, profiles=(tmp_path / "mine", "slurm-squeue"))
    assert head.end() != 0
    assert "which SLURM counts over all nodes" in head.output()
    assert not study.jobs()
    assert not (study.folder / LOG).exists()

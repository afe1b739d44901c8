"""Decisions inside a SLURM job: time limit, requeueing, growth of demands."""

from fourlenses.slurm.inside_job import (
    JOBS,
    attempts_grow,
    count_jobs,
    forget_allocation,
    in_slurm_job,
    max_minutes,
    node_resources,
)


def test_a_head_in_an_interactive_allocation_is_in_no_job():
    assert in_slurm_job(False, {"SLURM_JOB_ID": "5"})
    assert not in_slurm_job(True, {"SLURM_JOB_ID": "5"})
    assert not in_slurm_job(False, {})


def test_children_read_how_many_jobs_the_first_was_given():
    environment = {"SLURM_JOB_ID": "5"}
    assert count_jobs(environment, 3) == 3
    assert environment[JOBS] == "5:3"
    assert count_jobs(environment, 1) == 3


def test_a_note_of_another_slurm_job_does_not_count():
    environment = {"SLURM_JOB_ID": "6", JOBS: "5:3"}
    assert count_jobs(environment, 1) == 1
    assert environment[JOBS] == "6:1"


def test_the_config_s_time_limit_comes_first():
    assert max_minutes(0, inside=True) == ""  # the job's runtime
    assert max_minutes(0, inside=False) == "0"
    assert max_minutes(30, inside=True) == max_minutes(30, inside=False) == "30"


def test_demands_grow_twice():
    assert [attempts_grow(100, attempt) for attempt in (1, 2, 3, 4)] == [100, 200, 300, 300]


def test_an_allocation_s_own_gpu_is_not_passed_on():
    environment = {"CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "1", "PATH": "/bin"}
    forget_allocation(environment)
    assert environment == {"PATH": "/bin"}
    environment |= {"SRUN_CPUS_PER_TASK": "2", "HIP_VISIBLE_DEVICES": "0"}
    forget_allocation(environment, slurm_conf="/etc/site/slurm.conf")
    assert environment == {"PATH": "/bin", "SLURM_CONF": "/etc/site/slurm.conf"}


def test_a_job_of_one_node_asks_for_what_it_always_did():
    assert node_resources(1) == {}


def test_the_plugin_submits_a_job_of_two_nodes_with_a_task_on_each(monkeypatch):
    """By the plugin's own functions, for jobs with GPUs and without."""
    from snakemake_executor_plugin_slurm.submit_string import get_submit_command
    from snakemake_executor_plugin_slurm.utils import set_gres_string

    class Job:
        threads = 8

        def __init__(self, **more: object) -> None:
            self.resources = Resources({**node_resources(2), "mem_mb": 500, **more})

    class Resources(dict):
        __getattr__ = dict.__getitem__

    names = ("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir")
    parameters = dict.fromkeys(names, "x")
    with_gpus, without = Job(gpu=0, gpu_model="", gres="gpu:a100:4"), Job(gres="", gpu=0)
    for job, tasks in ((with_gpus, "--ntasks=2"), (without, "--ntasks=2")):
        words = get_submit_command(job, parameters).split()
        assert {"--nodes=2", tasks, "--cpus-per-task=8"} <= set(words)
        assert not [word for word in words if "per-gpu" in word]
    assert set_gres_string(with_gpus).split() == ["--gres=gpu:a100:4"]
    assert set_gres_string(without) == ""

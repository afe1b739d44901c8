"""Memory limits of nested cgroups, from trees of files like the kernel's."""

from types import SimpleNamespace

import psutil
import pytest

from fourlenses.core.machine.memory import MemoryLimit, available_memory, memory_limit

TOTAL, FREE = 9000 << 10, 8000 << 10
JOB, USER = "sys/fs/cgroup/slurm/job_7", "sys/fs/cgroup/slurm"


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    memory = SimpleNamespace(total=TOTAL, available=FREE)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def cgroup(folder, limit, used=0, cached=0):
    return {
        f"{folder}/memory.max": f"{limit}\n",
        f"{folder}/memory.current": f"{used}\n",
        f"{folder}/memory.stat": f"anon 3\ninactive_file {cached}\n",
    }


IN_JOB = {"proc/self/cgroup": "0::/slurm/job_7\n"}


def test_without_cgroups_the_machine_limits(tmp_path):
    assert available_memory(tmp_path) == FREE
    assert memory_limit(tmp_path) == MemoryLimit(TOTAL, "the machine's")


def test_an_unlimited_cgroup_limits_nothing(tmp_path):
    root = write(tmp_path, IN_JOB | cgroup(JOB, "max", 5, 2))
    assert available_memory(root) == FREE
    assert memory_limit(root).bytes == TOTAL


def test_cached_files_make_room(tmp_path):
    root = write(tmp_path, IN_JOB | cgroup(JOB, 3_000_000, 1_000_000, 400_000))
    assert available_memory(root) == 2_400_000
    assert memory_limit(root) == MemoryLimit(3_000_000, "of cgroup slurm/job_7")


def test_the_smallest_limit_on_the_path_up_binds(tmp_path):
    """A SLURM step has no limit; that of its job, above, counts."""
    step = {"proc/self/cgroup": "0::/slurm/job_7/step_0\n"} | cgroup(f"{JOB}/step_0", "max")
    root = write(
        tmp_path, step | cgroup(JOB, 3_000_000, 1_000_000) | cgroup(USER, 900_000, 100_000)
    )
    assert available_memory(root) == 800_000
    assert memory_limit(root) == MemoryLimit(900_000, "of cgroup slurm")


def test_a_container_of_cgroup_version_1(tmp_path):
    base = "sys/fs/cgroup/memory"
    files = {
        "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n",
        f"{base}/memory.limit_in_bytes": "500000\n",
        f"{base}/memory.usage_in_bytes": "200000\n",
        f"{base}/memory.stat": "total_inactive_file 1000\n",
    }
    root = write(tmp_path, files)
    assert available_memory(root) == 301_000
    assert memory_limit(root).bytes == 500_000


def test_this_machine_has_some_memory(monkeypatch):
    monkeypatch.undo()
    assert 1 << 20 < available_memory() <= memory_limit().bytes < 1 << 50


def test_where_a_process_is_slowed_down_is_a_limit_too(tmp_path):
    root = write(tmp_path, IN_JOB | cgroup(JOB, "max", used=1 << 20))
    write(root, {f"{JOB}/memory.high": f"{3 << 20}\n"})
    assert memory_limit(root) == MemoryLimit(3 << 20, "of cgroup slurm/job_7")
    assert available_memory(root) == 2 << 20
    write(root, {f"{JOB}/memory.max": f"{2 << 20}\n"})
    assert memory_limit(root).bytes == 2 << 20
    write(root, {f"{JOB}/memory.high": "max\n", f"{JOB}/memory.max": "max\n"})
    assert memory_limit(root).bytes == TOTAL

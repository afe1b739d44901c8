"""A two-node SLURM on this machine, and heads (Snakemake processes) that run studies on it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("start_slurm.sh")
JOBS = int(
    os.environ.get("SLURM_TEST_JOBS", "2")
)  # at a time: the nodes share this machine's cores
WITHOUT_ACCOUNTING = ("slurm", "slurm-squeue")  # the second is laid over the first
LONG = 900.0  # seconds anything may take; generous, as the machine may be busy with other things


class Cluster:
    """Everything of it lies in ``folder``; ``base_port`` and the 110 ports above are its own."""

    def __init__(self, folder: Path, base_port: int) -> None:
        self.folder = folder
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("PYTEST", "VIRTUAL_ENV", "SLURM_", "FOURLENSES_"))
            },
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "SLURM_TEST_ROOT": str(folder),
            "SLURM_TEST_BASEPORT": str(base_port),
            "FOURLENSES_CPU_PARTITION": "cpu",
            "FOURLENSES_GPU_PARTITION": "gpu",
            "FOURLENSES_GPU_MODEL": "fake",
        }

    def script(self, command: str) -> None:
        subprocess.run([SCRIPT, command], env=self.environment, check=True, timeout=LONG)

    def run(self, *command: str) -> str:
        """A command of SLURM; its standard output."""
        done = subprocess.run(
            [f"{self.folder}/bin/{command[0]}", *command[1:]],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def jobs(self, rule: str = "", states: str = "all") -> list[int]:
        """Ids of the jobs of a rule, oldest first; Snakemake puts the rule into the comment."""
        listed = self.run("squeue", "-h", "-a", f"--states={states}", "-o", "%i|%k").splitlines()
        return sorted(
            int(number)
            for number, _, comment in (line.partition("|") for line in listed)
            if f"rule_{rule}" in comment
        )

    def job(self, number: int) -> dict[str, str]:
        """What the scheduler knows of a job: the fields of `scontrol show job`."""
        return dict(
            field.partition("=")[::2]
            for field in self.run("scontrol", "show", "job", str(number)).split()
        )

    def await_state(self, number: int, *states: str) -> None:
        wait_until(
            lambda: self.job(number)["JobState"] in states, f"job {number} is {' or '.join(states)}"
        )

    def slurmd(self, node: str) -> int:
        return int((self.folder / "run" / f"slurmd.{node}.pid").read_text())


class Study:
    """A folder with a config, in which heads are started.

    ``heads``: those started. ``jobs``: those submitted since, all of them this study's.
    """

    def __init__(self, cluster: Cluster, folder: Path, config: Path) -> None:
        self.cluster, self.folder, self.config, self.heads = cluster, folder, config, []
        self._before = set(cluster.jobs())

    def jobs(self, rule: str = "") -> list[int]:
        return [job for job in self.cluster.jobs(rule) if job not in self._before]

    def command(
        self, *arguments: object, profiles: tuple[str | Path, ...] = WITHOUT_ACCOUNTING
    ) -> list[str]:
        program = Path(sys.executable).with_name("snakemake")
        command = [
            program,
            *arguments,
            "--snakefile",
            ROOT / "Snakefile",
            "--directory",
            self.folder,
            "--configfile",
            self.config,
        ]
        *below, last = (ROOT / "profiles" / profile for profile in profiles)
        command += [*(["--profile", *below] if below else []), "--workflow-profile", last]
        return [str(part) for part in command]

    def start(
        self,
        *arguments: object,
        retries: int = 3,
        environment: dict[str, str] | None = None,
        profiles: tuple[str | Path, ...] = WITHOUT_ACCOUNTING,
    ) -> "Head":
        # inspects jobs early
        polling = [
            "--slurm-init-seconds-before-status-checks",
            1,
            "--latency-wait",
            20,
            "--jobs",
            JOBS,
            "--retries",
            retries,
        ]
        environment = {**self.cluster.environment, **(environment or {})}
        head = Head(
            self.command(*arguments, *polling, profiles=profiles),
            environment,
            self.folder / f"head{len(self.heads)}.log",
        )
        self.heads.append(head)
        return head

    def close(self) -> None:
        for head in self.heads:
            head.kill()
        for number in self.cluster.jobs(states="pending,running,completing"):
            self.cluster.run("scancel", str(number))
        wait_until(
            lambda: not self.cluster.jobs(states="pending,running,completing"), "no job is left"
        )
        end_processes_of(self.folder)


class Head:
    """One Snakemake process that submits jobs."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with open(log, "w") as file:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that what it starts can be ended with it
            )

    def output(self) -> str:
        return self.log.read_text()

    def end(self) -> int:
        """Wait for it; its exit code."""
        return self.process.wait(2 * LONG)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Those that work in a folder, or were started with its name."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = [process.cwd(), *process.cmdline()]
            if process.pid != os.getpid() and any(str(folder) in word for word in words):
                found.append(process)
    return found


def end_processes_of(folder: Path) -> None:
    """End what is left, as SLURM leaves the processes of a node that is set down."""
    for process in processes_of(folder):
        with contextlib.suppress(psutil.Error):
            process.kill()
    wait_until(lambda: not processes_of(folder), f"nothing is left running in {folder}", 60)


def wait_until(
    happened: Callable[[], object], what: str, seconds: float = LONG, every: float = 0.3
) -> object:
    """The first true value of ``happened``, asked for every ``every`` seconds."""
    end = time.monotonic() + seconds
    while not (value := happened()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(every)
    return value

"""The launchers of a run on several nodes: srun starts one on each node of a SLURM job.

Where they meet is decided once, on the first node, before they start: by the address that SLURM
itself reaches that node by, as the name of a node may be in no DNS, and by a port of the job's own.

SLURM sends its signals (a time limit, a notice, preemption) to the processes of every step on every
node, so each launcher and each process of the training gets them from the node that it runs on.
srun is to stand in the job's script, outside of any step, as `job_resources` has it: at SIGTERM it
ends its tasks by SIGKILL, before any checkpoint.
"""

import itertools
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

import psutil

from fourlenses.core.errors import UserError

MODULE = "fourlenses.parallel.launcher"
FIRST_PORT, PORTS = 15_000, 15_000  # below those that Linux gives to outgoing connections
# What the other nodes have to end by themselves once one has ended. Above the time that the first
# process may take to have the job requeued (`fourlenses.resume.requeue`).
WAIT_SECONDS = 100
_ANSWER_SECONDS = 20.0
_MEETING = "--master-addr="  # torchrun's option, which only launchers of several nodes are given


def srun_command(
    program: Sequence[str], environment: Mapping[str, str], *, nodes: int, processes: int
) -> list[str]:
    """Return the command that starts a launcher on every node, to be run on the job's first node.

    It ends with the highest exit code of all launchers.

    Args:
        program: and its arguments.
        environment: of the job's script.
        nodes: of the job.
        processes: that each launcher starts.

    Raises:
        UserError: this is no SLURM job, or srun is not installed.
    """
    job, node = environment.get("SLURM_JOB_ID", ""), environment.get("SLURMD_NODENAME", "")
    if not job.isdigit() or not node:
        raise UserError(
            f"config key 'training.nodes' is {nodes}, but this is no job of SLURM, which alone "
            "starts processes on other nodes; use profiles/slurm, or set 'training.nodes' to 1"
        )
    if shutil.which("srun", path=environment.get("PATH")) is None:
        raise UserError(
            f"config key 'training.nodes' is {nodes}, but srun, which starts processes on other "
            f"nodes, is not on PATH of node {node}; put it there, or set 'training.nodes' to 1"
        )
    return [
        "srun",
        f"--nodes={nodes}",
        f"--ntasks={nodes}",
        "--ntasks-per-node=1",
        # without an option of CPUs, GPUs or memory a step has all that the job has on each node
        "--cpu-bind=none",
        "--mpi=none",
        "--input=none",
        "--export=ALL",
        # not at once where one ends: the first process may be asking to be requeued
        "--kill-on-bad-exit=0",
        f"--wait={WAIT_SECONDS}",
        sys.executable,
        "-m",
        MODULE,
        f"--nnodes={nodes}",
        f"--nproc-per-node={processes}",
        f"{_MEETING}{_address(node)}",
        f"--master-port={_free_port(int(job))}",
        # "--", as torchrun takes --run for the beginning of one of its options
        "--",
        *program,
    ]


def on_this_node(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the environment that a launcher needs on the node it runs on.

    Args:
        arguments: of the launcher, as `srun_command` has them.
        environment: of a task of srun.

    Returns:
        torchrun's variable for the node's number, and gloo's for the network interface by which the
        first node is reached: by itself it takes the one that this node's name resolves to, which
        is often the loopback's. Empty for a run on one node.
    """
    own = itertools.takewhile(lambda argument: argument != "--", arguments)
    addresses = [text.removeprefix(_MEETING) for text in own if text.startswith(_MEETING)]
    if not addresses:
        return {}
    variables = {"PET_NODE_RANK": environment["SLURM_NODEID"]}
    if "GLOO_SOCKET_IFNAME" not in environment:
        interface = _interface_to(addresses[0])
        variables |= {"GLOO_SOCKET_IFNAME": interface} if interface else {}
    return variables


def _address(node: str) -> str:
    """Return a node's address as SLURM has it; its name where SLURM does not answer."""
    try:
        asked = subprocess.run(
            ["scontrol", "show", "node", node, "--oneliner"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return node
    fields = dict(field.partition("=")[::2] for field in asked.stdout.split())
    return fields.get("NodeAddr") or node


def _free_port(job: int) -> int:
    """Return the first port from the job's own on that nothing on this machine listens to."""
    for step in range(PORTS):
        port = FIRST_PORT + (job + step) % PORTS
        with socket.socket() as trial:
            try:
                trial.bind(("", port))
            except OSError:
                continue
        return port
    raise UserError(
        f"no port of {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free on this node; end what "
        "listens there, or set 'training.nodes' to 1"
    )


def _interface_to(address: str) -> str:
    """Return the name of the interface that packets to an address leave by; "" if unknown."""
    try:
        family, kind, protocol, _, there = socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.connect(there)  # of datagrams: nothing is sent
            own = trial.getsockname()[0]
    except OSError:
        return ""
    for name, addresses in psutil.net_if_addrs().items():
        if any(entry.address.partition("%")[0] == own for entry in addresses):
            return name
    return ""

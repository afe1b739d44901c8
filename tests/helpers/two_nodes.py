"""Two nodes of a SLURM job on this machine, without a SLURM: commands that act as its own do."""

import os
from pathlib import Path

# the options are srun's own; what follows them is started once for each node
SRUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do shift; done
SLURM_NODEID=0 "$@" & first=$!
SLURM_NODEID=1 "$@" & second=$!
wait $first; one=$?
wait $second; two=$?
[ $one -gt $two ] && exit $one
exit $two
"""
SCONTROL = """#!/bin/sh
case "$1" in
  show) echo "NodeName=$3 NodeAddr=127.0.0.1" ;;
  *) echo "$@" >> {folder}/asked; sleep 3; echo disabled >&2; exit 1 ;;
esac
"""


def on_two_nodes(folder: Path) -> dict[str, str]:
    """Return the environment of the script of a SLURM job of two nodes.

    Requests to be requeued are refused, and noted in the file ``asked`` of ``folder``.
    """
    commands = folder / "commands"
    commands.mkdir()
    for name, script in (("srun", SRUN), ("scontrol", SCONTROL.format(folder=folder))):
        (commands / name).write_text(script)
        (commands / name).chmod(0o755)
    known = {name: value for name, value in os.environ.items() if name != "RANK"}
    path = f"{commands}:{os.environ['PATH']}"
    job = str(os.getpid())  # of which the port is made: another in each worker of pytest
    return known | {"PATH": path, "SLURM_JOB_ID": job, "SLURMD_NODENAME": "node1"}

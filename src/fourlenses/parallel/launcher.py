"""A launcher of the processes of one run, which ends with their exit code.

torchrun, which starts them, ends with code 1 whatever they end with.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable

from fourlenses.core.process_exit import without_destructors
from fourlenses.parallel.several_nodes import MODULE, on_this_node, srun_command


def launch(processes: int, nodes: int = 1) -> None:
    """Replace this process by a launcher of ``processes`` processes with its arguments.

    Returns in each of those, and at once for one process. The log is the first process's; the
    others add warnings only.

    Args:
        processes: on each node.
        nodes: above 1 this process is one of a SLURM job of so many, on the first of them.

    Raises:
        UserError: of several nodes, this is no SLURM job.
    """
    if nodes > 1 and "RANK" not in os.environ:
        command = srun_command(sys.argv, os.environ, nodes=nodes, processes=processes)
        os.execvp(command[0], command)
    if processes > 1 and "RANK" not in os.environ:
        options = [
            "-m",
            MODULE,
            "--standalone",
            # by address: this machine's name may be in no DNS, and is then asked for in vain
            "--local-addr=127.0.0.1",
            f"--nproc-per-node={processes}",
        ]
        # "--", as torchrun takes --run for the beginning of one of its options
        os.execv(sys.executable, [sys.executable, *options, "--", *sys.argv])
    first = os.environ.get("RANK", "0") == "0"
    logging.basicConfig(level=logging.INFO if first else logging.WARNING, format="%(message)s")


def main(arguments: list[str]) -> int:
    """Run torchrun; return the exit code that a run in one process would end with.

    Args:
        arguments: of torchrun, then the program and its own.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    # the notice of `sbatch --signal` goes to the launcher too, which it would end
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.environ.update(on_this_node(arguments, os.environ))
    try:
        torchrun(arguments)
    except ChildFailedError as error:
        # where one has ended by itself the launcher ends the others, with a signal, whose number
        # counts as negative
        return max(1, *(failure.exitcode for failure in error.failures.values()))
    except SignalException as error:  # to the launcher, which has passed it on
        return 128 + error.sigval
    return 0


@without_destructors
def _end_with(program: Callable[[], None]) -> None:
    program()


def _program() -> None:
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    _end_with(_program)

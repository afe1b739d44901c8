"""Where and how a training runs: options that change none of its numbers. Standard library only.

Two programs train, and both have these options.
"""

import argparse
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from fourlenses.core.machine.cores import usable_cores

# steps of a training: operation by operation, or recorded and replayed
STEPS = EAGER, GRAPH = "eager", "graph"


@dataclass(frozen=True)
class Placement:
    """Where and how a training runs, which changes no number beyond what the docs state.

    Attributes:
        checkpoints: the directory of its checkpoints.
        device: auto, cpu or cuda.
        input: auto, resident, streaming or ffcv.
        workers: threads of this process that decode.
        checkpoint_seconds: time between two checkpoints.
        max_minutes: time limit of this attempt; None for no limit.
        requeue: have SLURM run this job again when the time limit is over.
        stage_to: the folder on the node's disk that betons are copied to; "" for none.
        step: one of `STEPS`.
    """

    checkpoints: Path
    _: KW_ONLY
    device: str = "auto"
    input: str = "auto"
    workers: int = 1
    checkpoint_seconds: float = 600
    max_minutes: float | None = None
    requeue: bool = False
    stage_to: str = ""
    step: str = EAGER


def step_kind(text: str) -> str:
    """Return a value of `STEPS`, for an option whose default is a variable: argparse compares what
    is given with an option's choices, and no default.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if text not in STEPS:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(STEPS)}")
    return text


def add_placement_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `placement_from` reads."""
    parser.add_argument(
        "--checkpoints",
        required=True,
        type=Path,
        help="directory for rolling checkpoints, cleared at the end, and for a second copy of the "
        "results (links)",
    )
    parser.add_argument(
        "--checkpoint-minutes", type=float, default=10.0, help="time between two checkpoints"
    )
    parser.add_argument(
        "--max-minutes",
        type=float,
        default=0.0,
        help="stop with a checkpoint and exit code 75 before this time has passed since the "
        "start; 0 for no limit",
    )
    parser.add_argument(
        "--requeue",
        action="store_true",
        help="when --max-minutes are over, have SLURM run its job again, which has to be of this "
        "training alone, instead of ending it",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="processes on this machine, one per GPU; each takes its share of a batch",
    )
    parser.add_argument(
        "--input",
        default="auto",
        choices=["auto", "resident", "streaming", "ffcv"],
        help="decode once into memory, or as needed",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=usable_cores(),
        help="threads that decode, in all (changes no number)",
    )
    parser.add_argument(
        "--stage-to",
        default="",
        help="folder on this machine's disk to copy betons to ('' for none)",
    )


def placement_from(arguments: argparse.Namespace) -> Placement:
    """Return the placement of one of ``--processes`` processes."""
    return Placement(
        checkpoints=arguments.checkpoints,
        device=arguments.device,
        input=arguments.input,
        workers=max(1, arguments.workers // arguments.processes),
        checkpoint_seconds=60 * arguments.checkpoint_minutes,
        max_minutes=arguments.max_minutes or None,
        requeue=arguments.requeue,
        stage_to=arguments.stage_to,
    )

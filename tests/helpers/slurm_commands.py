"""Shell scripts in place of SLURM's commands."""

from collections.abc import Callable

from fourlenses.doctor.cluster import COMMANDS

SINFO = """cpu|1:00:00|(null)|8000|2|up
gpu|4:00:00|gpu:a100:4(S:0-1)|64000+|16|up
gpu|4:00:00|gpu:v100:2|32000|16|up
long|infinite|(null)|8000|2|down"""


def add_slurm(
    commands: Callable[[str, str], None], sacct: str = "exit 0", job_age: int = 300
) -> None:
    """Put a cluster of three partitions on PATH.

    Args:
        commands: The fixture of that name.
        sacct: The script of sacct.
        job_age: MinJobAge, s.
    """
    for name in COMMANDS:
        commands(name, "exit 0")
    commands("sinfo", f"if [ \"$1\" = --version ]; then echo slurm 23.11; else echo '{SINFO}'; fi")
    commands("sacct", sacct)
    commands("scontrol", f"echo 'MinJobAge               = {job_age} sec'")

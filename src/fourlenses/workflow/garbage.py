"""How often Python looks for objects that only refer to each other.

Standard library only: the Snakefile imports it, and is read again in every job.
"""

import atexit
import gc

# objects made before the youngest are looked through; looks before the next older ones are too
THRESHOLDS = (50_000, 20, 20)


def collect_rarely() -> None:
    """Look for unreachable objects seldom, and not at all when the process ends.

    The jobs of a large study are millions of objects that stay. To look through them again and
    again takes a third of a dry-run, and to look through all modules at the end a quarter of a
    job's start (docs/measured/benchmarks/workflow.md). Objects go as before when nothing refers to
    them. What is left at the end, the system takes back.
    """
    gc.set_threshold(*THRESHOLDS)
    atexit.register(gc.freeze)

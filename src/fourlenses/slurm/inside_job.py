"""Inside a SLURM job, where Snakemake reads the Snakefile again: time limit and requeueing."""

from collections.abc import MutableMapping

JOBS = "FOURLENSES_JOBS"  # <SLURM job>:<jobs of Snakemake in it>, for the Snakemakes it starts
_OF_AN_ALLOCATION = (
    "CUDA_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "SRUN_CPUS_PER_TASK",
)
MOST_GROWTH = 3  # attempts that raise memory and time; after them the fault is another


def in_slurm_job(is_head: bool, environment: MutableMapping[str, str]) -> bool:
    """Return whether this Snakemake was started by the executor.

    A head in an interactive allocation was not: its time is the user's, and no rule knows it.
    """
    return not is_head and "SLURM_JOB_ID" in environment


def forget_allocation(
    environment: MutableMapping[str, str], *, slurm_conf: str | None = None
) -> None:
    """Remove what an interactive allocation says of its own GPUs and cores to what runs in it.

    Jobs that its shell submits inherit that. The plugin removes the variables of SLURM's name.

    Args:
        environment: of the head.
        slurm_conf: what SLURM_CONF was: without it some sites' sbatch does not find its cluster.
    """
    if slurm_conf:
        environment["SLURM_CONF"] = slurm_conf
    for name in _OF_AN_ALLOCATION:
        environment.pop(name, None)


def count_jobs(environment: MutableMapping[str, str], target_jobs: int) -> int:
    """Return how many jobs of Snakemake this SLURM job holds, and leave a note for its children.

    The first Snakemake in a SLURM job is given all of them. It starts another for each, which is
    given that one alone and reads the note.

    Args:
        environment: of this process; the note is added to it.
        target_jobs: jobs that this Snakemake was given.
    """
    slurm_job, note = environment.get("SLURM_JOB_ID"), environment.get(JOBS, "")
    noted_job, _, count = note.partition(":")
    if noted_job == slurm_job:
        return int(count)
    environment[JOBS] = f"{slurm_job}:{target_jobs}"
    return target_jobs


def max_minutes(configured: float, inside: bool) -> str:
    """Return a training's time limit as the rules take it.

    Args:
        configured: `training.max_minutes`, which comes first; 0 for none.
        inside: a SLURM job.

    Returns:
        Minutes; "" for the job's own `runtime`.
    """
    return "" if inside and not configured else str(configured)


def node_resources(nodes: int) -> dict[str, int | str]:
    """Return the resources of a rule whose program starts itself on several nodes; none for one.

    One task per node, with the rule's CPUs, memory and `gres`, which SLURM counts per node.
    """
    if nodes == 1:
        return {}
    # `mpi`: the job's Snakemake runs in the job's script instead of a step, as the program is to
    # start a step of all nodes itself. For jobs with GPUs the plugin takes `tasks` for tasks per
    # GPU unless `tasks_per_gpu` says otherwise; 0 is left out.
    return {"nodes": nodes, "tasks": nodes, "tasks_per_gpu": 0, "mpi": "srun"}


def attempts_grow(amount: int, attempt: int) -> int:
    """Return mem_mb or runtime of a job that starts from nothing when it is tried again."""
    return amount * min(attempt, MOST_GROWTH)

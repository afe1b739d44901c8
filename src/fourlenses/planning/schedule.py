"""Wall time of a study on a number of devices.

A job starts as soon as what it needs is done and its devices are free; of several the one with the
longest chain of jobs after it first (greedy list scheduling).
"""

import heapq
from functools import cache

from fourlenses.core.errors import UserError
from fourlenses.planning.jobs import Job


def schedule(jobs: dict[str, Job], gpus: int) -> dict[str, tuple[float, float]]:
    """Return start and end in seconds of every job that is not done, by key.

    Devices are held by jobs that are not `on_cpu`; betons are written one after another meanwhile.
    A job whose time is unknown takes none.

    Raises:
        UserError: a job holds more devices than there are.
    """
    left = {key: job for key, job in jobs.items() if not job.done}
    _check_devices(left, gpus)
    needs = {key: {need for need in job.needs if need in left} for key, job in left.items()}
    users: dict[str, list[str]] = {key: [] for key in left}
    for key, wanted in needs.items():
        for need in wanted:
            users[need].append(key)

    @cache
    def chain(key: str) -> float:
        """Seconds from the job's start until all that needs it is done."""
        return left[key].elapsed + max(map(chain, users[key]), default=0.0)

    def order(key: str) -> tuple[float, str]:
        return -chain(key), key

    ready = sorted((key for key in left if not needs[key]), key=order)
    free, writers, now = gpus, 1, 0.0
    running: list[tuple[float, str]] = []
    times: dict[str, tuple[float, float]] = {}
    while ready or running:
        waiting = []
        for key in ready:
            job = left[key]
            if not (writers if job.on_cpu else job.devices <= free):
                waiting.append(key)
                continue
            if job.on_cpu:
                writers -= 1
            else:
                free -= job.devices
            times[key] = now, now + job.elapsed
            heapq.heappush(running, (now + job.elapsed, key))
        ready = waiting
        now, key = heapq.heappop(running)
        if left[key].on_cpu:
            writers += 1
        else:
            free += left[key].devices
        for user in users[key]:
            needs[user].discard(key)
            if not needs[user]:
                ready.append(user)
        ready.sort(key=order)
    return times


def _check_devices(jobs: dict[str, Job], gpus: int) -> None:
    for job in jobs.values():
        if job.devices > gpus:
            keys = "'evaluation.processes'"
            if job.kind == "pretrain":
                keys = "'training.processes' times 'training.nodes'"
            raise UserError(
                f"{job.key} holds {job.devices} devices ({keys}), but key "
                f"'plan.gpus' is {gpus}; raise this or lower that"
            )

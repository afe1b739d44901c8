"""Wall time on a number of devices: jobs start in the order of their weight as soon as what they need is there and a device is free."""

import heapq

from fourlenses.core.errors import UserError
from fourlenses.planning.jobs import Job


def schedule(jobs: dict[str, Job], gpus: int) -> dict[str, tuple[float, float]]:
    """Start and end in seconds of every job that is not done (greedy list scheduling, longest chain first).

    Devices are held by jobs not ``on_cpu``; betons are written one after another beside them. A job whose time is unknown takes none.

    Raises:
        UserError: a job holds more devices than there are.
    """
    left = {key: job for key, job in jobs.items() if not job.done}
    for job in left.values():
        if job.devices > gpus:
            setting = f"{'training' if job.kind == 'pretrain' else 'evaluation'}.processes"
            raise UserError(
                f"{job.key} holds {job.devices} devices ('{setting}'), but key 'plan.gpus' is {gpus}; raise this or lower that"
            )
    needs = {key: {need for need in job.needs if need in left} for key, job in left.items()}
    users: dict[str, list[str]] = {key: [] for key in left}
    for key, wanted in needs.items():
        for need in wanted:
            users[need].append(key)
    weight: dict[str, float] = {}

    def chain(key: str) -> float:
        if key not in weight:
            weight[key] = left[key].elapsed + max(map(chain, users[key]), default=0.0)
        return weight[key]

    ready = sorted((key for key in left if not needs[key]), key=lambda key: (-chain(key), key))
    free, writers, now = gpus, 1, 0.0
    running: list[tuple[float, str]] = []
    times: dict[str, tuple[float, float]] = {}
    while ready or running:
        waiting = []
        for key in ready:
            job = left[key]
            if writers if job.on_cpu else job.devices <= free:
                free, writers = (free, writers - 1) if job.on_cpu else (free - job.devices, writers)
                times[key] = now, now + job.elapsed
                heapq.heappush(running, (now + job.elapsed, key))
            else:
                waiting.append(key)
        ready = waiting
        now, key = heapq.heappop(running)
        free, writers = (
            (free, writers + 1) if left[key].on_cpu else (free + left[key].devices, writers)
        )
        for user in users[key]:
            needs[user].discard(key)
            if not needs[user]:
                ready.append(user)
        ready.sort(key=lambda key: (-chain(key), key))
    return times

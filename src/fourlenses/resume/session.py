"""A training that may be killed at any moment and continues: every step around it, in one order.

The order is the argument that nothing is lost, trained twice or overwritten:

1. Requeue. Outermost, so that everything below has been released when SLURM is asked to run the
   job again: what SLURM requeues it kills.
2. Processes join. All below may send messages between the processes of a run. They leave together:
   a process that ended while another waits for its message would take that one down.
3. Time limit. From here on a signal is noted instead of ending the process, so that a checkpoint
   can be taken. Before the lock, so that no signal ends a process that holds it.
4. Lock, held by the first process. Nothing in the directory is read or written before it.
5. Restore. Where the same training has finished before, its results are put into place and
   nothing is trained. The other processes wait in there, so that they read checkpoints and
   progress files only while the first one holds the lock.
6. Restart log. It notes where this attempt starts, so only after the state that it starts from was
   read; it refuses one that repeats itself. Inside the lock, as it is a file of the directory.
7. Taken over by another. Around all work: a lock that was lost to a job that has finished is no
   error, as the results are there. Inside the restart log, which is the other job's file then.
8. Staging. Innermost, as a copy is held only while it is read, and after everything that may end
   the attempt before a byte is copied.
9. The work, which calls `Session.verify` before it writes anything into the directory.
10. Verify, keep, clear (`Session.finish`): results are kept only while the lock is held. They are
    sealed and in place before checkpoints go, so that one or the other is there at any moment. The
    restart log goes with them, as its entries would count against a later training of this name.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from fourlenses.data.beton.staging import staged
from fourlenses.parallel.devices import choose_device
from fourlenses.parallel.distributed import (
    all_reduce_max,
    check_in_first,
    joined_processes,
    rank,
)
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.lock import LockLost, TrainingLock
from fourlenses.resume.placement import Placement
from fourlenses.resume.requeue import requeued_when_out_of_time
from fourlenses.resume.restart_log import RestartLog
from fourlenses.resume.result_cache import ResultCache
from fourlenses.resume.time_limit import TimeLimit


class Session:
    """One training under way, in one of its processes; made by `resumable_training`.

    Attributes:
        directory: of checkpoints and progress files; this run holds its lock.
        placement: where and how the training runs.
        device: this process's own.
        time_limit: of this attempt.
        finished: whether the same training had finished before and its results are in place; then
            there is nothing to do.
    """

    def __init__(
        self,
        directory: Path,
        placement: Placement,
        *,
        device: torch.device,
        time_limit: TimeLimit,
        lock: TrainingLock,
        results: ResultCache,
        finished: bool,
    ) -> None:
        self.directory, self.placement = directory, placement
        self.device, self.time_limit = device, time_limit
        self._lock, self._results = lock, results
        self.finished = finished

    def newest(self, checkpoints: Checkpoints) -> dict | None:
        """Return the newest checkpoint, of which the first process decides; to be called by all.

        Another node may still see the folder as it was: network file systems keep listings.

        Raises:
            UserError: this process does not find it within a minute.
        """
        state = checkpoints.newest() if rank() == 0 else None
        step = all_reduce_max(-1 if state is None else state["step"], self.device)
        return checkpoints.await_step(step) if rank() > 0 and step >= 0 else state

    def verify(self) -> None:
        """Check that this run still holds the lock; to be called by all processes.

        Raises:
            LockLost: in all processes, if another job holds it now.
        """
        check_in_first(self._lock.verify, LockLost, self.device)

    @contextlib.contextmanager
    def attempt(self, start: Callable[[], str], betons: list[Path]) -> Iterator[list[Path]]:
        """Steps 6 to 8 around a block that trains and ends with `finish`.

        Where the lock is lost to a job that has finished, the block ends quietly.

        Args:
            start: called in the first process; where this attempt starts, such as "step 40". Equal
                texts are equal progress.
            betons: the files to read.

        Yields:
            The paths to read the betons from.

        Raises:
            UserError: the last attempts all started there and got no further.
        """
        self._restarts = RestartLog(self.directory)
        with contextlib.ExitStack() as stack:
            if rank() == 0:
                stack.enter_context(self._restarts.attempt(start()))
            stack.enter_context(self._results.by_another())
            yield stack.enter_context(staged(betons, self.placement.stage_to))

    def finish(self, write: Callable[[Path], None], clear: Callable[[], None]) -> None:
        """Keep the results and forget how they were made; to be called by all processes.

        Args:
            write: called in the first process with a folder, to write the files of ``outputs`` to.
            clear: called in the first process, to remove checkpoints and progress files.

        Raises:
            LockLost: in all processes, if another job holds the lock now. Nothing was written.
        """
        self.verify()
        if rank() == 0:
            self._results.keep(write)
            self._restarts.clear()
            clear()


@contextlib.contextmanager
def resumable_training(
    directory: Path,
    placement: Placement,
    *,
    outputs: Mapping[str, Path],
    made_from: dict,
) -> Iterator[Session]:
    """Steps 1 to 5 around a block that trains within `Session.attempt`, unless `Session.finished`.

    Args:
        directory: named after everything that decides the bits of the training.
        outputs: file name -> where it is to be, the one that tells others that all are there last.
        made_from: what else decides the results, besides the code (`ResultCache`).

    Raises:
        UserError: another job is training into the directory, or it cannot be written.
        Interrupted: the time limit is over; a checkpoint has been taken.
    """
    time_limit = TimeLimit(placement.max_minutes)
    with contextlib.ExitStack() as stack:
        stack.enter_context(requeued_when_out_of_time(placement.requeue, time_limit))
        device = stack.enter_context(joined_processes(choose_device(placement.device)))
        stack.enter_context(time_limit)
        lock = TrainingLock(directory)
        results = ResultCache(directory, outputs, device=device, made_from=made_from)
        if rank() == 0:
            stack.enter_context(lock)
        yield Session(
            directory,
            placement,
            device=device,
            time_limit=time_limit,
            lock=lock,
            results=results,
            finished=results.put_back(),
        )

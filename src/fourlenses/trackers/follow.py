"""A run in several trackers, while it trains or afterwards; what fails there costs a warning."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from fourlenses.core.errors import UserError, one_of
from fourlenses.resume import live_progress
from fourlenses.trackers.run import STEP, Row, TrackedRun
from fourlenses.trackers.sent import Sent
from fourlenses.trackers.sinks import TRACKERS, Tracker

log = logging.getLogger(__name__)
Picture = Callable[[], Image.Image | None]


def check_trackers(names: Sequence[str]) -> None:
    """Raise an error where a tracker is unknown or not installed.

    Raises:
        UserError: names it, and what to install.
    """
    for name in names:
        if name not in TRACKERS:
            raise one_of("tracker", name, TRACKERS)
        if find_spec(name) is None:
            raise UserError(
                f"the tracker '{name}' is not installed here; install it: make setup "
                f"EXTRAS={name}, or take it out of training.log_to"
            )


class Follower:
    """Sends a run's history to trackers as it grows.

    Args:
        run: the pretraining.
        names: keys of `TRACKERS`.
        folder: trackers/ of the study.
        picture: makes the picture of views, once; None where there is none.
    """

    def __init__(
        self, run: TrackedRun, names: Sequence[str], folder: Path, *, picture: Picture
    ) -> None:
        self._run, self._folder, self._picture = run, folder, picture
        self._names = list(names)
        self._open: dict[str, tuple[Tracker, Sent]] = {}
        self._rows = 0

    def __call__(self, history: Sequence[Row]) -> None:
        """Send the rows that are new; called after every step."""
        if len(history) == self._rows and self._rows:
            return
        if not history:
            return
        self._rows = len(history)
        for name in list(self._names):
            with self._surviving(name):
                tracker, sent = self._opened(name)
                rows = sent.new(history)
                if rows:
                    tracker.log(rows)
                    sent.step = int(rows[-1][STEP])
                    sent.write(self._file(name))

    def close(self, *, finished: bool) -> None:
        """End the session in each tracker. finished: the training is done."""
        for name in list(self._open):
            with self._surviving(name):
                tracker, _ = self._open.pop(name)
                tracker.close(finished=finished)

    def _file(self, name: str) -> Path:
        return self._folder / "sent" / self._run.name / f"{name}.json"

    def _opened(self, name: str) -> tuple[Tracker, Sent]:
        if name not in self._open:
            sent = Sent.read(self._file(name), self._run)
            tracker = TRACKERS[name](self._run, self._folder, sent.id)
            sent.id = tracker.id
            self._open[name] = tracker, sent
            if not sent.picture:
                picture = self._picture()
                if picture is not None:
                    tracker.show(picture)
                sent.picture = True
            sent.write(self._file(name))
        return self._open[name]

    @contextlib.contextmanager
    def _surviving(self, name: str) -> Iterator[None]:
        """Turn what goes wrong in a tracker into a warning, and do without it from then on."""
        try:
            yield
        except Exception as error:  # of a library, a disk or a server: training is worth more
            log.warning(
                "%s: %s (%s); the run continues without it, and can be logged later: make track",
                name,
                type(error).__name__,
                error,
            )
            self._open.pop(name, None)
            self._names.remove(name)


@contextlib.contextmanager
def following(
    run: TrackedRun, names: Sequence[str], folder: Path, *, picture: Picture
) -> Iterator[None]:
    """Send the history of the training in this block to trackers. The arguments: see `Follower`.

    Raises:
        UserError: a tracker is unknown or not installed.
    """
    if not names:
        yield
        return
    check_trackers(names)
    follower = Follower(run, names, folder, picture=picture)
    live_progress.OBSERVERS.append(follower)
    done = False
    try:
        yield
        done = True
    finally:
        live_progress.OBSERVERS.remove(follower)
        follower.close(finished=done)

"""The finished pretrainings of a study in trackers, from run.json and history.csv."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from fourlenses.core.errors import UserError
from fourlenses.study import parse_source
from fourlenses.study.layout import DATA, Layout
from fourlenses.trackers.follow import Follower, check_trackers
from fourlenses.trackers.run import TrackedRun, finished
from fourlenses.trackers.views import views_picture


def log_study(results: Path, names: Sequence[str], *, data: Path) -> Iterator[tuple[str, int]]:
    """Send every finished pretraining to trackers; yield its name and its number of rows.

    Args:
        results: the study's folder.
        names: keys of `TRACKERS`.
        data: the folder of the images, for the picture of views; it may be absent.

    Raises:
        UserError: a tracker is unknown or not installed, or the study has no finished pretraining.
    """
    check_trackers(names)
    runs = list(finished(results))
    if not runs:
        raise UserError(
            f"{results} has no finished pretraining with a history; name the folder of a study, "
            "e.g. results/real_quantity"
        )
    for run, rows in runs:
        follower = Follower(
            run, names, results / "trackers", picture=partial(_picture, run, results, data)
        )
        follower(rows)
        follower.close(finished=True)
        yield run.name, len(rows)


def _picture(run: TrackedRun, results: Path, data: Path) -> Image.Image | None:
    """Return the views of a run's first images, where they are still there."""
    settings = run.settings
    part, *_ = parse_source(settings["source"])
    layout = Layout(results.name, settings["stored_size"])
    beton, subset = (
        data / Path(file).relative_to(DATA)
        for file in (
            layout.beton(part.dataset, part.variant),
            layout.subset(part.dataset, part.images, settings["seed"]),
        )
    )
    if not subset.exists():
        return None
    rows = np.load(subset, allow_pickle=False)
    return views_picture(settings, part.dataset, beton=beton, rows=rows)

"""A cell of a study: an encoder on a target, at one level, label size and protocol, over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

Key = tuple[int, int]  # seed, label draw


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell.

    Attributes:
        target: the dataset evaluated on.
        labelled_images: the label size.
        level: the label level.
        protocol: how the encoder is evaluated.
        scores: of each seed and draw of labels: top-1 (percent), number of test images, and run.
    """

    target: str
    labelled_images: int
    level: str
    protocol: str
    scores: dict[Key, tuple[float, int, str]]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Cell":
        """Return the cell of rows of `metrics.csv` that differ in seed and label_draw only.

        Raises:
            ValueError: two rows are of one seed and draw.
        """
        draws = rows["label_draw"] if "label_draw" in rows else [0] * len(rows)
        scores: dict[Key, tuple[float, int, str]] = {}
        columns = (rows[name].tolist() for name in ("seed", "top1", "n_test", "run"))
        for draw, seed, top1, tests, run in zip(draws, *columns, strict=True):
            if (seed, draw) in scores:
                raise ValueError(
                    f"two rows of seed {seed}, label draw {draw}: {scores[seed, draw][2]} and "
                    f"{run}; one cell expected"
                )
            scores[seed, draw] = top1, tests, run
        first = rows.iloc[0]
        return cls(
            target=first["target"],
            labelled_images=int(first["labelled_images"]),
            level=first["level"],
            protocol=first["protocol"],
            scores=scores,
        )

    @property
    def name(self) -> str:
        return f"{self._first_run} on {self.target}"

    @property
    def kind(self) -> tuple[str, str]:
        """Method entry and protocol: cells of one kind vary over seeds alike."""
        return self._first_run.partition("/")[0], self.protocol

    @property
    def encoder(self) -> tuple[str, str, str, int]:
        """Alike for the levels of an encoder: its run without the seed, and how it is evaluated."""
        run = self._first_run
        return run.rpartition("/seed")[0] or run, self.target, self.protocol, self.labelled_images

    @property
    def _first_run(self) -> str:
        return next(iter(self.scores.values()))[2]

    def column(self, key: Key) -> tuple[str, str, str, int]:
        """Return how `joint_counts` knows it."""
        return self.level, self.protocol, self.scores[key][2], key[1]

    def tests(self, keys: Sequence[Key]) -> int:
        """Return the smallest number of test images of some seeds and draws."""
        return min(self.scores[key][1] for key in keys)

    def mean(self, keys: Sequence[Key]) -> float:
        """Return the mean over seeds, draws within a seed first; percent."""
        per_seed = self.per_seed(keys)
        return sum(per_seed.values()) / len(per_seed)

    def per_seed(self, keys: Sequence[Key]) -> dict[int, float]:
        """Return the mean over the draws of each seed; percent."""
        draws: dict[int, list[float]] = {}
        for key in keys:
            draws.setdefault(key[0], []).append(self.scores[key][0])
        return {seed: sum(values) / len(values) for seed, values in draws.items()}


def shared_keys(cells: Sequence[Cell]) -> list[Key]:
    """Return the seeds and draws that all cells have."""
    return sorted(set.intersection(*(set(cell.scores) for cell in cells)))

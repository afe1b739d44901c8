"""What a decision card rests on, in one line, and what limits all of its answers."""

from collections.abc import Sequence

import pandas as pd

from fourlenses.analysis import table
from fourlenses.findings import selection, words
from fourlenses.findings.answer import convergence
from fourlenses.findings.comparison import UNTRAINED
from fourlenses.findings.contest import WAYS, largest
from fourlenses.findings.line import Line
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.study import names
from fourlenses.study.vocabulary import EXTERNAL

SEPARATOR = " · "


def line(rows: pd.DataFrame) -> str:
    """Return backbone, pixels, pretraining, downloads, seeds, protocols, test images and chance.

    Args:
        rows: of one target at its finest level, as `selection.finest` returns them.
    """
    own = table.own_encoders(rows)
    trained = rows[rows["method"] != "random"]
    seeds = int(trained["seed"].nunique())
    used = set(rows["protocol"])
    protocols = [names.protocol(name).replace(",", "") for name in WAYS if name in used]
    chance = rows["chance"].dropna()
    parts = [
        names.backbone(own["backbone"].iloc[0]),
        words.pixels(own),
        *_pretraining(rows),
        *downloads(rows),
        f"{seeds} seed{'s' if seeds != 1 else ''}",
        " and ".join(protocols),
        f"{words.images(int(rows['n_test'].iloc[0]))} test images",
        *([f"chance {chance.iloc[0]:.1f} %"] if len(chance) else []),
    ]
    return SEPARATOR.join(part for part in parts if part)


def _pretraining(rows: pd.DataFrame) -> list[str]:
    """`SimCLR on 12,000 images, 4,688 steps`: of each method entry its encoder of the most."""
    own = selection.from_random_weights(selection.own_encoders(rows))
    said = []
    for (entry,), of_entry in selection.groups(own, ["entry"]):
        most = largest(of_entry)
        steps = words.steps(most)
        length = f", {words.images(steps)} steps" if steps else ""
        images = words.images(int(most["pretrain_images"].iloc[0]))
        said.append(f"{words.method(entry)} on {images} images{length}")
    return said


def downloads(rows: pd.DataFrame) -> list[str]:
    """`lite0 (tf_efficientnet_lite0, 224 px)`: an external encoder is of another size."""
    external = rows[rows["method"] == EXTERNAL]
    return [
        f"{words.encoder(of_one)} ({_architecture(of_one)}, {words.pixels(of_one)})"
        for _, of_one in selection.groups(external, ["source"])
    ]


def _architecture(rows: pd.DataFrame) -> str:
    """Return what its library calls a network: `timm:resnet18` -> `resnet18`."""
    return names.backbone(rows["backbone"].iloc[0]).rpartition(":")[2]


def warnings(rows: pd.DataFrame, lines: Sequence[Line]) -> list[str]:
    """Return what limits all answers: few seeds, trainings that had not converged, encoders that
    are hardly above the untrained one."""
    trained = rows[~rows["method"].isin(["random", EXTERNAL])]
    seeds = int(trained["seed"].nunique())
    return [
        *few_seeds(seeds),
        *convergence.sentences(rows),
        *_untrained(lines),
    ]


def few_seeds(seeds: int) -> list[str]:
    """Return what one or two seeds mean; nothing of three or more."""
    if not 0 < seeds < LEAST_SEEDS:
        return []
    number = {1: "One seed", 2: "Two seeds"}[seeds]
    spread = " The spread between seeds is assumed, not measured." if seeds == 1 else ""
    return [f"{number}: every answer is at most a leaning; firm answers need three seeds.{spread}"]


def _untrained(lines: Sequence[Line]) -> list[str]:
    count = sum(line.answer.endswith(UNTRAINED) for line in lines)
    if not count:
        return []
    return [
        f"In {count} of {len(lines)} comparisons no side is clearly above the random encoder: "
        "train longer, or on more images."
    ]

"""The domain ``scenes``: whole-image layouts out of many elements, none of them the subject."""

import numpy as np

from fourlenses.data.synthetic.canvas import coverage, expose, paint
from fourlenses.data.synthetic.draws import Draws
from fourlenses.data.synthetic.scenes_indoor import INDOOR
from fourlenses.data.synthetic.scenes_nature import NATURE
from fourlenses.data.synthetic.scenes_urban import URBAN
from fourlenses.data.synthetic.stage import Stage

PLACES = NATURE | URBAN | INDOOR
CLASSES = list(PLACES)


def _bystanders(stage: Stage, draws: Draws) -> None:
    """Paint people and posts, which are no clue to the class."""
    for _ in range(draws.whole(0, 3)):
        at, foot, tall = draws.real(-0.95, 0.95), draws.real(0.5, 1.0), draws.real(0.25, 0.6)
        dx, dy = stage.x - at, stage.y - foot
        if draws.chance(0.65):
            across, down = dx / (0.16 * tall), (dy + 0.45 * tall) / (0.45 * tall)
            body = np.sqrt(across**2 + down**2) - 1
            paint(stage.image, coverage(body * 0.16 * tall, stage.width), stage.ink())
            head = np.sqrt(dx * dx + (dy + tall) ** 2) - 0.11 * tall
            paint(stage.image, coverage(head, stage.width), stage.ink())
        else:
            post = np.maximum(np.abs(dx) - 0.02, np.abs(dy + 0.75 * tall) - 0.75 * tall)
            paint(stage.image, coverage(post, stage.width), stage.ink(0.05, 0.5))


def render(draws: Draws, fine: int, n: int) -> np.ndarray:
    """Return an image of a place of a fine class: uint8 (n / 2, n / 2, 3)."""
    stage = Stage(draws, n)
    PLACES[CLASSES[fine]](stage, draws)
    _bystanders(stage, draws)
    return expose(stage.image, draws)

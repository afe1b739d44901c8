"""Places of the domain ``scenes`` in nature: shores, mountains, woodland."""

from collections.abc import Callable

import numpy as np

from fourlenses.data.synthetic.canvas import colour, fractal, noise, paint, profile
from fourlenses.data.synthetic.draws import Draws
from fourlenses.data.synthetic.stage import Stage


def _trees(s: Stage, d: Draws, conifer: bool) -> None:
    """Paint rows of trees; far rows are smaller, higher up and hazier."""
    green = s.growth()
    for row in range(3):
        near = row / 2
        height = 0.5 + 0.75 * near
        base = 0.15 + 0.6 * near + d.real(-0.05, 0.05)
        for k in range(5 - row):
            at = -1.1 + (k + d.real(0.1, 0.9)) * 2.2 / (5 - row)
            tall = height * d.real(0.8, 1.25)
            ink = (green * d.real(0.5, 1.1)) * (0.4 + 0.6 * near) + s.haze * (0.5 - 0.5 * near)
            du, dv = s.x - at, s.y - base
            trunk = np.maximum(np.abs(du) - 0.05 * tall, np.abs(dv + tall * 0.2) - tall * 0.22)
            s.fill(trunk, ink * 0.4)
            if conifer:
                tier = (-dv / tall - 0.15) * 4
                branches = 0.55 + 0.45 * (1 - (tier - np.floor(tier)))
                wide = tall * 0.34 * np.clip(1.0 - tier / 4.4, 0, 1) * branches
                ends = np.maximum(dv + tall * 0.15, -dv - tall * 1.2)
                s.fill(np.maximum(np.abs(du) - wide, ends), ink * (1 - 0.3 * (tier % 1)))
            else:
                for _ in range(2):
                    cu, cv = d.real(-0.12, 0.12) * tall, -tall * d.real(0.6, 0.85)
                    ball = np.sqrt(((du - cu) / 0.36) ** 2 + ((dv - cv) / 0.32) ** 2) / tall - 1
                    s.fill(ball * 0.3 * tall, ink * (1 - 0.25 * (dv - cv) / tall), soft=0.05)


def _pine_forest(s: Stage, d: Draws) -> None:
    s.sky()
    s.ground(d.real(0.0, 0.2), s.growth())
    _trees(s, d, conifer=True)


def _broadleaf_forest(s: Stage, d: Draws) -> None:
    s.sky()
    s.ground(d.real(0.0, 0.2), s.growth())
    _trees(s, d, conifer=False)


def _bamboo_grove(s: Stage, d: Draws) -> None:
    s.image *= 1 + 0.3 * fractal(d, s.n, 5, octaves=2)
    s.ground(d.real(0.5, 0.9), s.growth())
    stem = s.growth()
    for k in range(14):
        near = k / 13
        at, lean, thick = d.real(-1.1, 1.1), d.real(-0.12, 0.12), 0.025 + 0.05 * near
        across = (s.x - at - lean * s.y) / thick
        rings = 1 - 0.35 * (np.sin(s.y * (22 - 10 * near) + d.real(0, 6)) > 0.93)
        ink = stem * d.real(0.6, 1.2) * (0.4 + 0.6 * near) + s.haze * (0.5 - 0.5 * near)
        ink = ink * rings * (1 - 0.25 * across.clip(-1, 1))
        s.fill(np.maximum((np.abs(across) - 1) * thick, s.y - 0.55 - 0.5 * near), ink)


def _sandy_beach(s: Stage, d: Draws) -> None:
    s.sky()
    level = d.real(-0.4, 0.0)
    s.sea(level)
    tilt, shore = d.real(-0.5, 0.5), level + d.real(0.3, 0.6)
    line = shore + tilt * s.x + 0.06 * np.sin(s.x * d.real(3, 7) + d.real(0, 6)) - s.y
    s.fill(line - 0.07, colour(0, 0, min(1, s.hour * 1.1)))
    s.fill(line, s.growth() * (1.2 + 0.1 * noise(d, s.n, 20)))
    for _ in range(d.whole(0, 3)):
        at, foot = d.real(-0.9, 0.9), d.real(0.5, 0.9)
        across, down = (s.x - at) / 0.16, (s.y - foot + 0.2) / 0.08
        s.fill(np.sqrt(across**2 + down**2) * 0.1 - 0.1, s.ink())  # a parasol
        s.box((at - 0.012, at + 0.012), (foot - 0.2, foot), s.ink(0.1, 0.4))


def _rocky_coast(s: Stage, d: Draws) -> None:
    s.sky()
    level = d.real(-0.4, 0.0)
    s.sea(level)
    stone = s.ink(0.15, 0.6)
    for k in range(9):
        near = k / 8
        at, foot, size = d.real(-1.1, 1.1), level + 0.1 + near * 0.9, 0.1 + 0.25 * near
        rough = 1 + 0.5 * noise(d, s.n, 7)
        wide = size * d.real(0.8, 1.4)
        rock = np.maximum(np.abs(s.x - at) * rough - wide, np.abs(s.y - foot) * rough - size * 0.7)
        s.fill(rock - 0.03, colour(0, 0, s.hour), soft=0.05, opacity=0.6)  # surf
        s.fill(rock, stone * d.real(0.6, 1.2) * (1 + 0.35 * noise(d, s.n, 14)))


def _lake_shore(s: Stage, d: Draws) -> None:
    s.sky()
    level = d.real(-0.25, 0.1)
    for height in (0.35, 0.15):
        s.ridge(level - 0.1, height, cells=4, octaves=2, ink=s.growth())
    s.fill(level - s.y, s.ink(0.3, 0.8))
    # the reflection is the upper half upside down about the shore, broken by ripples
    shore = int(np.argmax(s.y[:, s.n // 2] > level))
    mirrored = s.image[:, np.clip(2 * shore - 1 - np.arange(s.n), 0, s.n - 1)]
    s.fill(level - s.y, mirrored * (0.85 + 0.08 * noise(d, s.n, 24, columns=3)), opacity=0.75)
    for _ in range(d.whole(6, 12)):
        at, tall = d.real(-1.1, 1.1), d.real(0.3, 0.8)
        reed = np.abs(s.x - at - 0.1 * (1 - s.y) ** 2 * d.sign()) - 0.018
        s.fill(np.maximum(reed, 0.95 - tall - s.y), s.growth() * 0.5)


def _snowy_peaks(s: Stage, d: Draws) -> None:
    s.sky()
    for k in range(3):
        stone = s.ink(0.2, 0.5) * (0.5 + 0.25 * k) + s.haze * (0.4 - 0.2 * k)
        face = stone * (1 + 0.4 * noise(d, s.n, 9))
        base, height = -0.35 + 0.4 * k, d.real(0.3, 0.45)
        depth = s.ridge(base, height, cells=3 + k, octaves=1, ink=face, sharp=True)
        snow = np.maximum(-depth, depth - 0.2 + 0.2 * noise(d, s.n, 8))
        s.fill(snow, colour(0.6, d.real(0, 0.15), s.hour) * (1 + 0.1 * noise(d, s.n, 9)), soft=0.04)


def _rolling_hills(s: Stage, d: Draws) -> None:
    s.sky()
    for k in range(5):
        base = -0.25 + 0.27 * k
        height = d.real(0.12, 0.25)
        ink = s.growth() * (0.6 + 0.1 * k) + s.haze * (0.35 - 0.08 * k)
        depth = s.ridge(base, height, cells=2, octaves=1, ink=ink)
        stripes = np.sin((depth + d.real(-0.3, 0.3) * s.x) * d.real(25, 50))
        s.fill(-depth, s.growth(), opacity=0.25)
        paint(s.image, (depth > 0) * np.clip(stripes, 0, 1) * 0.25, s.growth())


def _canyon(s: Stage, d: Draws) -> None:
    s.sky()
    stone = s.growth()
    for k in range(3):
        line = profile(d, s.n, 4 + k, octaves=1)
        step = np.floor(line * 2.5) / 2.5  # cliffs: the skyline goes in steps
        depth = s.y - (-0.3 + 0.42 * k - 0.32 * step)
        layers = 0.3 * np.sin((s.y + 0.03 * noise(d, s.n, 5)) * d.real(22, 38))
        strata = 1 + layers + 0.15 * noise(d, s.n, 3, columns=20)
        s.fill(-depth, (stone * (0.55 + 0.2 * k) + s.haze * (0.4 - 0.2 * k)) * strata)


NATURE: dict[tuple[str, str, str], Callable[[Stage, Draws], None]] = {
    ("nature", "shore", "sandy_beach"): _sandy_beach,
    ("nature", "shore", "rocky_coast"): _rocky_coast,
    ("nature", "shore", "lake_shore"): _lake_shore,
    ("nature", "mountain", "snowy_peaks"): _snowy_peaks,
    ("nature", "mountain", "rolling_hills"): _rolling_hills,
    ("nature", "mountain", "canyon"): _canyon,
    ("nature", "woodland", "pine_forest"): _pine_forest,
    ("nature", "woodland", "broadleaf_forest"): _broadleaf_forest,
    ("nature", "woodland", "bamboo_grove"): _bamboo_grove,
}

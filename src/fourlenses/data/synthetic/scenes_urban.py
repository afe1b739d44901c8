"""Places of the domain ``scenes`` in town: streets and transport."""

from collections.abc import Callable

import numpy as np

from fourlenses.data.synthetic.canvas import colour, coverage, noise, paint
from fourlenses.data.synthetic.draws import Draws
from fourlenses.data.synthetic.figure import Pair
from fourlenses.data.synthetic.stage import Stage


def _facade(s: Stage, span: Pair, height: Pair, *, columns: int, rows: int) -> None:
    """Paint the front of a building with a grid of windows.

    Args:
        s: The scene.
        span: Its left and its right.
        height: Its top and its bottom.
        columns: Of windows.
        rows: Of windows.
    """
    d = s.draws
    (left, right), (top, bottom) = span, height
    wall, pane = s.ink(0.25, 0.85), s.ink(0.05, 0.95)
    s.box(span, height, wall)
    across, down = (s.x - left) / (right - left) * columns, (s.y - top) / (bottom - top) * rows
    pane_x, pane_y = d.real(0.22, 0.36), d.real(0.2, 0.38)
    holes = np.maximum(np.abs(across % 1 - 0.5) - pane_x, np.abs(down % 1 - 0.5) - pane_y)
    inside = (across > 0) & (across < columns) & (down > 0) & (down < rows)
    paint(s.image, (coverage(holes, 0.2) * inside), pane)


def _skyscrapers(s: Stage, d: Draws) -> None:
    s.sky()
    for row in range(2):
        at = -1.25
        while at < 1.2:
            wide, top = d.real(0.22, 0.45), d.real(-1.0, -0.1) + 0.3 * row
            columns, rows = d.whole(3, 5), round((1.5 - top) * d.real(5, 8))
            _facade(s, (at, at + wide), (top, 1.5), columns=columns, rows=rows)
            at += wide + d.real(-0.02, 0.25 * row + 0.05)
    s.ground(d.real(0.75, 0.95), s.ink(0.2, 0.6))


def _house_row(s: Stage, d: Draws) -> None:
    s.sky()
    foot, wide = d.real(0.45, 0.7), d.real(0.5, 0.75)
    at = -1.3 + d.real(0, 0.3)
    roof = s.ink(0.15, 0.6)
    while at < 1.2:
        eaves = foot - d.real(0.55, 0.75)
        _facade(s, (at, at + wide), (eaves, foot), columns=d.whole(2, 3), rows=2)
        middle, pitch = at + wide / 2, d.real(0.25, 0.45)
        slope = np.abs(s.x - middle) - (s.y - eaves + pitch) / pitch * wide * 0.55
        gable = np.maximum(slope, np.maximum(s.y - eaves, eaves - pitch - s.y))
        s.fill(gable, roof * d.real(0.8, 1.2))
        s.box((middle + 0.1, middle + 0.17), (eaves - pitch, eaves - 0.15), roof * 0.6)
        s.box((middle - 0.06, middle + 0.06), (foot - 0.28, foot), s.ink())
        at += wide * d.real(1.0, 1.12)
    s.ground(foot, s.ink(0.2, 0.7))


def _arcade(s: Stage, d: Draws) -> None:
    s.sky()
    foot, top, pitch = d.real(0.6, 0.8), d.real(-0.7, -0.3), d.real(0.36, 0.52)
    _facade(s, (-2, 2), (top, foot), columns=round(4 / pitch), rows=4)
    arch_top = foot - d.real(0.55, 0.7)
    s.box((-2, 2), (arch_top - 0.3, foot), s.ink(0.4, 0.9))
    du = (s.x / pitch + d.real()) % 1 - 0.5
    half = d.real(0.3, 0.38)
    circle = np.sqrt(du * du + ((s.y - arch_top - 0.1) / pitch) ** 2)
    arch = np.where(s.y < arch_top + 0.1, circle, np.abs(du)) - half
    s.fill(np.maximum(arch * pitch, s.y - foot), s.ink(0.03, 0.3))
    band = np.abs(s.y - arch_top + 0.2) - 0.07
    s.fill(band, s.ink(0.3, 0.95) * (0.7 + 0.5 * (np.sin(s.x * 25) > 0)))
    s.ground(foot, s.ink(0.2, 0.7))


def _open_country(s: Stage, d: Draws) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Paint sky, hills and fields.

    Returns:
        x and y of the vanishing point; the depth and the position sideways on the ground, (n, n)
        each.
    """
    s.sky()
    vx, vy = d.real(-0.3, 0.3), d.real(-0.25, 0.1)
    s.ridge(vy - 0.03, 0.1, cells=5, octaves=2, ink=s.growth())
    s.ground(vy, s.growth())
    return vx, vy, *s.depth(vx, vy, 1.0)


def _highway(s: Stage, d: Draws) -> None:
    vx, vy, z, side = _open_country(s, d)
    half = d.real(0.8, 1.2)
    below = vy - s.y
    lane = np.maximum((np.abs(side) - half) / np.maximum(z, 0.5), below)
    s.fill(lane, colour(0, 0, s.hour * d.real(0.25, 0.6)))
    line = np.minimum(
        np.abs(np.abs(side) - half * 0.9) - 0.03,
        np.abs(np.abs(side) - half * 0.3) - 0.035 + 9 * (np.sin(z * 5) < 0),
    )
    s.fill(np.maximum(line, below), colour(0.12, d.real(0, 0.5), s.hour), soft=0.03)
    for k in range(d.whole(2, 4)):
        far = 0.9 + 0.8 * k + d.real(0, 0.4)
        at, foot, size = vx + d.pick([-0.6, 0, 0.6]) * half / far, vy + 1 / far, 0.25 / far
        s.box((at - size, at + size), (foot - size * 1.3, foot), s.ink())
        window = (foot - size * 1.2, foot - size * 0.7)
        s.box((at - size * 0.8, at + size * 0.8), window, s.ink(0.05, 0.3))


def _railway(s: Stage, d: Draws) -> None:
    vx, vy, z, side = _open_country(s, d)
    below = vy - s.y
    for centre in d.pick([(0.0,), (-0.75, 0.75)]):
        off = side - centre
        bed = np.maximum((np.abs(off) - 0.62) / np.maximum(z, 0.5), below)
        s.fill(bed, s.ink(0.3, 0.7) * (1 + 0.2 * noise(d, s.n, 24)))
        sleepers = np.maximum(np.abs(off) - 0.5, np.where(np.sin(z * 16) > 0, -1.0, 1.0))
        s.fill(np.maximum(sleepers, below), s.ink(0.1, 0.4), soft=0.05)
        rails = (np.abs(np.abs(off) - 0.34) - 0.05) / np.maximum(z, 0.5)
        s.fill(np.maximum(rails, below), s.ink(0.6, 1.0))
    for k in range(4):  # masts of the overhead line
        far = 1.0 + 0.8 * k
        at, foot = vx - 1.3 / far, vy + 1 / far
        s.box((at - 0.03 / far, at + 0.03 / far), (foot - 2.2 / far, foot), s.ink(0.1, 0.3))
        s.box((at, at + 1.2 / far), (foot - 2.1 / far, foot - 2.04 / far), s.ink(0.1, 0.3))


def _bridge(s: Stage, d: Draws) -> None:
    s.sky()
    level = d.real(0.1, 0.3)
    s.ridge(level, 0.15, cells=4, octaves=2, ink=s.growth())
    s.sea(level)
    deck, pitch, ink = level - d.real(0.15, 0.35), d.real(0.55, 0.9), s.ink(0.15, 0.8)
    du = (s.x / pitch + d.real()) % 1 - 0.5
    span = np.sqrt((du / 0.42) ** 2 + ((s.y - level - 0.12) / (level + 0.02 - deck)) ** 2) - 1
    s.fill(np.maximum(np.maximum(deck - s.y, s.y - level - 0.12), -span * 0.3), ink)
    s.box((-2, 2), (deck - 0.07, deck + 0.05), ink * 0.8)
    s.fill(np.maximum(np.abs(s.y - deck + 0.14) - 0.07, 0.3 - np.abs(np.sin(s.x * 25))), ink * 0.6)
    ends = np.maximum(deck - 0.5 - s.y, s.y - level - 0.15)
    s.fill(np.maximum(np.abs(du) - 0.06, ends), ink * 1.2)


URBAN: dict[tuple[str, str, str], Callable[[Stage, Draws], None]] = {
    ("urban", "street", "skyscraper_row"): _skyscrapers,
    ("urban", "street", "house_row"): _house_row,
    ("urban", "street", "shopping_arcade"): _arcade,
    ("urban", "transport", "highway"): _highway,
    ("urban", "transport", "railway"): _railway,
    ("urban", "transport", "bridge"): _bridge,
}

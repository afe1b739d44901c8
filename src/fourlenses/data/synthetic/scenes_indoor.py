"""Places of the domain ``scenes`` under a roof: halls and rooms."""

from collections.abc import Callable

import numpy as np

from fourlenses.data.synthetic.canvas import colour, noise
from fourlenses.data.synthetic.draws import Draws
from fourlenses.data.synthetic.stage import Stage


def _hall(s: Stage) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Paint a hall in one-point perspective; its walls are at x = ±1 times the depth.

    Returns:
        The depth, the mask of the walls, and the height relative to the hall's, (n, n) each; x and
        y of the vanishing point.
    """
    d = s.draws
    vx, vy, tall = d.real(-0.25, 0.25), d.real(-0.2, 0.15), d.real(0.8, 1.1)
    du, dv = np.abs(s.x - vx), np.abs(s.y - vy) / tall
    reach = np.maximum(np.maximum(du, dv), 0.12)
    z = 1 / reach
    wall = du > dv
    s.fill(np.where(wall, 1.0, vy - s.y), s.ink(0.2, 0.7))  # the floor
    s.fill(np.where(wall, 1.0, s.y - vy), s.ink(0.5, 0.95))  # the ceiling
    s.fill(np.where(wall, -1.0, 1.0), s.ink(0.3, 0.9))
    s.image *= 1.15 - 0.09 * z
    s.fill(reach - 0.121, s.ink(0.1, 1.0))  # the far end
    return z, wall, (s.y - vy) / tall * z, vx, vy


def _door_corridor(s: Stage, d: Draws) -> None:
    z, wall, up, vx, vy = _hall(s)
    along = (z * d.real(0.8, 1.2) + d.real()) % 1
    doors = np.where(wall & (z < 7), np.maximum(np.abs(along - 0.5) - 0.22, -0.55 - up), 1.0)
    s.fill(doors - 0.05, s.ink(0.1, 0.9))
    s.fill(doors, s.ink(0.1, 0.9))
    lamps = np.maximum(np.abs((z * 1.3) % 1 - 0.5) - 0.2, np.abs((s.x - vx) * z) - 0.25)
    s.fill(np.where(~wall & (s.y < vy) & (z < 7), lamps, 1.0), colour(0.12, 0.1, 1.0))


def _colonnade(s: Stage, d: Draws) -> None:
    z, wall, _, vx, vy = _hall(s)
    tiles = np.sin(z * 9) * np.sin((s.x - vx) * z * 7)
    s.fill(np.where(~wall & (s.y > vy), -tiles, 1.0), s.ink(0.2, 0.8), opacity=0.6)
    stone, thick = s.ink(0.4, 0.95), d.real(0.1, 0.15)
    for k in range(5, -1, -1):
        far = 1.05 + 0.75 * k
        for side in (-1, 1):
            at, half = vx + side * 0.85 / far, thick / far * 1.3
            across = (s.x - at) / half
            ink = stone * (1.05 - 0.35 * across.clip(-1, 1)) * (1.05 - 0.1 * k)
            s.fill(np.maximum(np.abs(s.x - at) - half, np.abs(s.y - vy) - 0.95 / far), ink)
            ends = np.abs(np.abs(s.y - vy) - 0.9 / far) - 0.07 / far
            s.fill(np.maximum(np.abs(s.x - at) - half * 1.4, ends), stone)


def _tunnel(s: Stage, d: Draws) -> None:
    vx, vy = d.real(-0.25, 0.25), d.real(-0.1, 0.25)
    radius = np.sqrt((s.x - vx) ** 2 + (s.y - vy) ** 2)
    z = 1 / np.maximum(radius, 0.12)
    ribs = 1 + d.real(0.2, 0.4) * np.sin(z * d.real(6, 10) + d.real(0, 6))
    s.image[:] = s.ink(0.3, 0.9) * ribs * (1.15 - 0.1 * z)
    floor = vy + 0.07 - s.y + 0.35 * np.abs(s.x - vx)
    s.fill(floor, s.ink(0.15, 0.6) * (1 + 0.15 * noise(d, s.n, 20)))
    angle = np.arctan2(s.y - vy, s.x - vx)
    line = np.abs(angle + d.pick([0.8, 1.57, 2.3])) - 0.08
    lamps = np.maximum(line, np.abs((z * 1.5) % 1 - 0.5) - 0.25)
    s.fill(np.where(z < 7, lamps, 1.0), colour(0.12, 0.2, 1.0), soft=0.05)
    s.fill(radius - 0.13, s.ink(0.1, 1.0))


def _room(s: Stage) -> float:
    """Paint a back wall, a side wall and a floor; return the level at which floor and wall meet."""
    d = s.draws
    s.image[:] = s.ink(0.35, 0.95)
    level, corner = d.real(0.1, 0.4), d.real(0.6, 0.95)
    s.fill(corner - s.x, s.ink(0.3, 0.8))
    floor = s.ink(0.2, 0.75) * (1 + 0.15 * noise(d, s.n, 14, columns=4))
    s.fill(level - s.y + np.maximum(s.x - corner, 0), floor)
    return level


def _bedroom(s: Stage, d: Draws) -> None:
    level = _room(s)
    at = d.real(-0.7, -0.3)
    window_across, window_down = (at, at + d.real(0.3, 0.45)), (level - 1.0, level - 0.45)
    s.box(window_across, window_down, colour(0.58, d.real(0, 0.3), 1.0))
    s.box((at + 0.16, at + 0.19), window_down, s.ink())
    left, right = d.real(-0.6, -0.3), d.real(0.4, 0.65)
    s.box((left, right), (level - 0.35, level + 0.1), s.ink(0.15, 0.6))
    spread = np.maximum(
        np.abs(s.x - (left + right) / 2) - (right - left) / 2 - 0.4 * (s.y - level),
        np.abs(s.y - level - 0.25) - 0.25,
    )
    cloth = s.ink(0.4, 1.0)
    weave = 0.25 * np.sin(s.x * d.real(0, 30)) * np.sin(s.y * d.real(0, 30))
    s.fill(spread, cloth * (1 + weave))
    s.box((left, right), (level + 0.48, level + 0.62), s.ink(0.15, 0.6))
    middle = (left + right) / 2
    for side in (-0.25, 0.25):
        across, down = (s.x - middle - side) / 0.2, (s.y - level - 0.03) / 0.1
        pillow = np.sqrt(across**2 + down**2) * 0.1 - 0.1
        s.fill(pillow, colour(0, 0, s.hour))
    for at in (left - 0.2, right + 0.2)[: d.whole(1, 2)]:
        s.box((at - 0.12, at + 0.12), (level - 0.1, level + 0.3), s.ink(0.15, 0.6))
        slope = np.abs(s.x - at) - 0.1 - 0.3 * (s.y - level + 0.3)
        lamp = np.maximum(slope, np.abs(s.y - level + 0.3) - 0.11)
        s.fill(lamp, colour(0.12, 0.3, 1.0))


def _library(s: Stage, d: Draws) -> None:
    level = _room(s) + d.real(0.2, 0.4)
    pitch, wide = d.real(0.3, 0.42), d.real(0.7, 1.0)
    case_u, row = (s.x / wide) % 1, (level - s.y) / pitch
    shelf = row % 1
    cell = np.floor(s.x / 0.055).astype(np.int32) + 97 * np.floor(row).astype(np.int32)
    height, tone = d.array(1024)[cell % 1024], d.array(1024)[cell % 1024]
    hue = d.array(1024)[cell % 1024]
    wood = s.ink(0.15, 0.6)
    s.fill(s.y - level, wood)
    books = np.maximum(shelf - 0.55 - 0.35 * height, 0.08 - shelf)
    spines = (
        np.stack([0.25 + 0.6 * tone, 0.25 + 0.6 * tone * (0.5 + 0.5 * hue), 0.25 + 0.5 * hue])
        * s.hour
    )
    s.fill(np.maximum(np.maximum(books, s.y - level), np.abs(case_u - 0.5) - 0.46), spines)
    for _ in range(d.whole(0, 2)):
        at = d.real(-0.9, 0.9)
        s.box((at - 0.3, at + 0.3), (level + 0.05, level + 0.13), s.ink(0.2, 0.8))
        s.box((at - 0.25, at - 0.2), (level + 0.13, level + 0.5), s.ink(0.2, 0.8))
        s.box((at + 0.2, at + 0.25), (level + 0.13, level + 0.5), s.ink(0.2, 0.8))


def _classroom(s: Stage, d: Draws) -> None:
    level = _room(s)
    left, right = d.real(-0.9, -0.5), d.real(0.3, 0.6)
    s.box((left - 0.04, right + 0.04), (level - 0.84, level - 0.26), s.ink())
    s.box((left, right), (level - 0.8, level - 0.3), s.ink(0.1, 0.4))
    across = np.abs(s.x - (left + right) / 2) - 0.4 * (right - left)
    text = np.maximum(across, np.abs(s.y - level + 0.55) - 0.18)
    lines = 0.6 - np.sin(s.y * 55) - 0.4 * noise(d, s.n, 5, columns=20)
    s.fill(np.maximum(text, lines), colour(0, 0, 0.9), opacity=0.8)
    top, leg = s.ink(0.4, 0.9), s.ink(0.05, 0.3)
    for row in range(3):
        near = 0.55 + 0.4 * row
        foot, shift = level + 0.15 + 0.32 * row * near, d.real(-0.2, 0.2)
        for k in range(-2, 3):
            at = (k * 0.6 + shift) * near
            s.box((at - 0.2 * near, at + 0.2 * near), (foot, foot + 0.07 * near), top)
            for side in (-0.17, 0.17):
                span = (at + (side - 0.02) * near, at + (side + 0.02) * near)
                s.box(span, (foot + 0.07 * near, foot + 0.3 * near), leg)


INDOOR: dict[tuple[str, str, str], Callable[[Stage, Draws], None]] = {
    ("indoor", "hall", "door_corridor"): _door_corridor,
    ("indoor", "hall", "colonnade"): _colonnade,
    ("indoor", "hall", "tunnel"): _tunnel,
    ("indoor", "room", "bedroom"): _bedroom,
    ("indoor", "room", "library"): _library,
    ("indoor", "room", "classroom"): _classroom,
}

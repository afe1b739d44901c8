"""The domain ``objects``: a thing of parts on a cluttered background.

Pose, colours, skin and lighting vary within a class.
"""

import math
from collections.abc import Callable

import numpy as np

from fourlenses.data.synthetic.canvas import (
    blank,
    colour,
    coverage,
    expose,
    fractal,
    grid,
    noise,
    paint,
)
from fourlenses.data.synthetic.draws import Draws
from fourlenses.data.synthetic.figure import Figure, pattern


def _clutter(draws: Draws, n: int) -> np.ndarray:
    """Return a background (3, n, n) that is not related to the class.

    A patchy or ruled wall, sometimes a floor, and things lying about.
    """
    x, y = grid(n)
    hue, value = draws.real(), draws.real(0.2, 0.9)
    first = colour(hue, draws.real(0, 0.6), value)
    image = blank(n, first)
    other = colour(hue + draws.real(-0.2, 0.2), draws.real(0, 0.6), value + draws.real(-0.35, 0.35))
    if draws.chance(0.6):
        strength = draws.real(0.4, 1.2)
        patches = fractal(draws, n, draws.whole(2, 8), octaves=2)
        cover = np.clip(0.5 + strength * patches, 0, 1)
    else:
        turn = draws.real(0, math.pi)
        along = math.cos(turn) * x + math.sin(turn) * y
        cover = 0.5 + 0.5 * np.sin(along * draws.real(4, 25) + draws.real(0, 6))
    paint(image, cover, other)
    if draws.chance(0.5):
        edge = draws.real(0.0, 0.8) + draws.real(-0.2, 0.2) * x
        floor = colour(draws.real(), draws.real(0, 0.5), draws.real(0.2, 0.85))
        texture = 1 + 0.3 * noise(draws, n, 14, columns=4)
        paint(image, coverage(edge - y, 0.06), floor * texture)
    for _ in range(draws.whole(2, 6)):
        turn = draws.real(0, math.pi)
        dx, dy = x - draws.real(-1, 1), y - draws.real(-1, 1)
        du = math.cos(turn) * dx + math.sin(turn) * dy
        dv = math.cos(turn) * dy - math.sin(turn) * dx
        long, short = draws.real(0.15, 0.7), draws.real(0.05, 0.35)
        if draws.chance(0.5):
            distance = np.maximum(np.abs(du) - long, np.abs(dv) - short)
        else:
            distance = (np.sqrt((du / long) ** 2 + (dv / short) ** 2) - 1) * short
        thing = colour(draws.real(), draws.real(0, 0.7), draws.real(0.1, 0.9))
        paint(image, coverage(distance, draws.real(0.03, 0.2)) * draws.real(0.5, 1), thing)
    return image


def _wheels(f: Figure, us: list[float], *, v: float, radius: float) -> None:
    for u in us:
        f.ellipse((u, v), (radius, radius), "dark")
        f.ellipse((u, v), (radius * 0.45, radius * 0.45), "light")


def _sedan(f: Figure, d: Draws) -> None:
    f.taper((d.real(-0.1, 0.05), -0.15), (d.real(0.3, 0.42), d.real(0.55, 0.65)), 0.22)
    f.taper((-0.02, -0.13), (0.28, 0.45), 0.14, tone="light")
    f.box((-0.02, -0.1), (0.035, 0.2))
    f.box((0, 0.18), (0.95, 0.17))
    _wheels(f, [-0.55, 0.55], v=0.36, radius=d.real(0.18, 0.23))


def _pickup(f: Figure, d: Draws) -> None:
    f.taper((d.real(0.12, 0.25), -0.18), (0.22, 0.36), 0.24)
    f.taper((0.2, -0.16), (0.16, 0.28), 0.14, tone="light")
    f.box((0, 0.18), (0.95, 0.15))
    f.box((-0.55, 0.05), (0.4, d.real(0.04, 0.1)), "second")
    _wheels(f, [-0.58, 0.56], v=0.36, radius=d.real(0.19, 0.25))


def _van(f: Figure, d: Draws) -> None:
    f.box((-0.05, -0.1), (0.85, d.real(0.4, 0.48)))
    f.taper((0.75, 0.1), (0.08, 0.2), 0.24)
    for u in (-0.6, -0.15, 0.3):
        f.box((u, -0.25), (0.17, 0.13), "light")
    f.box((0, 0.12), (0.86, 0.04), "second")
    _wheels(f, [-0.52, 0.52], v=0.38, radius=d.real(0.17, 0.21))


def _sailboat(f: Figure, d: Draws) -> None:
    f.box((0, -0.2), (0.025, 0.75), "dark")
    f.polygon([(0.06, -0.92), (0.06, 0.38), (d.real(0.6, 0.8), 0.38)])
    f.polygon([(-0.06, -0.75), (-0.06, 0.38), (d.real(-0.65, -0.45), 0.38)], "light")
    f.taper((0, 0.6), (0.85, 0.5), 0.17, tone="second")


def _motorboat(f: Figure, d: Draws) -> None:
    f.polygon([(-0.95, 0.1), (1.0, -0.02), (0.55, 0.5), (-0.85, 0.5)])
    f.polygon([(-0.4, 0.1), (-0.35, -0.32), (d.real(0.05, 0.2), -0.32), (0.4, 0.06)], "light")
    f.box((-0.1, -0.35), (0.4, 0.05), "second")
    f.box((-0.95, 0.25), (0.1, 0.2), "dark")
    f.limb((-0.85, 0.4), (0.6, 0.36), 0.03, tone="second")


def _freighter(f: Figure, d: Draws) -> None:
    for column in range(4):
        for row in range(d.whole(1, 3)):
            centre = (-0.35 + column * 0.31, 0.08 - row * 0.21)
            f.box(centre, (0.14, 0.09), d.pick(["main", "second", "light", "mark"]))
    f.box((-0.74, -0.1), (0.14, d.real(0.32, 0.42)), "light")
    f.box((-0.74, -0.25), (0.11, 0.05), "dark")
    f.taper((0, 0.38), (0.98, 0.82), 0.2)


def _airliner(f: Figure, d: Draws) -> None:
    f.polygon([(-0.1, -0.05), (0.2, -0.05), (d.real(-0.5, -0.3), -0.75), (-0.55, -0.75)], "second")
    f.limb((-0.85, 0), (0.85, 0), 0.12, end=0.16)
    f.polygon([(-0.95, 0), (-0.7, 0), (-0.85, d.real(-0.5, -0.35)), (-1.02, -0.45)])
    for u in (-0.5, -0.25, 0.0, 0.25, 0.5):
        f.ellipse((u, -0.03), (0.05, 0.05), "dark")
    f.polygon([(-0.15, 0.06), (0.25, 0.06), (d.real(-0.5, -0.35), 0.75), (-0.58, 0.75)], "second")


def _biplane(f: Figure, d: Draws) -> None:
    f.limb((-0.85, 0.05), (0.6, 0.05), 0.09, end=0.22)
    gap = d.real(0.32, 0.42)
    for u in (0.05, 0.45):
        f.limb((u, -gap), (u, gap + 0.1), 0.03, tone="dark")
    f.box((0.25, -gap), (0.5, 0.07), "second", turn=-0.06)
    f.box((0.2, gap + 0.1), (0.45, 0.07), "second", turn=-0.06)
    f.polygon([(-0.95, 0.05), (-0.65, 0.05), (-0.8, -0.35), (-1.0, -0.35)])
    f.box((0.88, 0.05), (0.035, d.real(0.35, 0.5)), "dark")
    _wheels(f, [0.35], v=0.7, radius=0.14)


def _helicopter(f: Figure, d: Draws) -> None:
    f.limb((-0.9, -0.1), (0.2, 0.05), 0.06)
    f.ellipse((0.3, 0.1), (0.48, d.real(0.32, 0.38)))
    f.ellipse((0.52, 0.05), (0.2, 0.2), "light")
    f.box((0.25, -0.34), (0.04, 0.12), "dark")
    f.box((0.2, -0.45), (d.real(0.7, 0.85), 0.045), "dark", turn=d.real(-0.1, 0.1))
    f.ring((-0.88, -0.12), (0.18, 0.18), 0.04, tone="dark")
    f.limb((-0.1, 0.6), (0.75, 0.6), 0.04, tone="dark")
    f.limb((0.15, 0.4), (0.1, 0.6), 0.03, tone="dark")
    f.limb((0.5, 0.4), (0.52, 0.6), 0.03, tone="dark")


def _legs(
    f: Figure, d: Draws, us: tuple[float, float], *, top: float, bottom: float, thick: float
) -> None:
    for u in us:
        for side in (-0.08, 0.08):
            foot = (u + side + d.real(-0.16, 0.16), bottom)
            f.limb((u + side, top), foot, thick, end=thick * 0.7)


def _horse(f: Figure, d: Draws) -> None:
    _legs(f, d, (-0.45, 0.35), top=0.1, bottom=0.9, thick=0.07)
    f.ellipse((-0.05, 0.0), (0.6, 0.27))
    head = d.real(-0.75, -0.55)
    f.limb((0.4, -0.05), (0.68, head), 0.17, end=0.11)
    f.limb((0.66, head), (0.95, head + 0.2), 0.12, end=0.09)
    f.limb((0.32, -0.25), (0.56, head - 0.05), 0.06, tone="dark")
    f.limb((-0.6, -0.1), (-0.85, d.real(0.3, 0.55)), 0.07, tone="dark")


def _dog(f: Figure, d: Draws) -> None:
    _legs(f, d, (-0.45, 0.3), top=0.2, bottom=0.75, thick=0.08)
    f.ellipse((-0.08, 0.12), (0.55, 0.24))
    f.limb((0.3, 0.05), (0.52, -0.25), 0.18)
    f.ellipse((0.58, -0.3), (0.25, 0.22))
    f.limb((0.65, -0.25), (0.92, -0.2), 0.11, end=0.08)
    f.ellipse((0.45, d.real(-0.3, -0.2)), (0.09, 0.22), "mark", turn=0.2)
    f.limb((-0.58, 0.05), (-0.9, d.real(-0.5, -0.1)), 0.07, end=0.04)


def _cow(f: Figure, d: Draws) -> None:
    _legs(f, d, (-0.48, 0.36), top=0.3, bottom=0.82, thick=0.09)
    f.box((-0.05, 0.02), (0.62, d.real(0.3, 0.36)))
    f.limb((0.5, -0.15), (0.75, -0.2), 0.22)
    f.limb((0.72, -0.25), (0.92, 0.08), 0.17, end=0.13)
    f.limb((0.66, -0.4), (0.55, -0.65), 0.045, tone="light")
    f.limb((0.8, -0.4), (0.95, -0.62), 0.045, tone="light")
    f.limb((-0.66, -0.2), (-0.74, 0.45), 0.035, tone="dark")
    f.ellipse((-0.25, 0.4), (0.14, 0.09), "light")


def _shark(f: Figure, d: Draws) -> None:
    f.polygon([(-0.7, 0), (-1.0, d.real(-0.6, -0.45)), (-0.85, 0)])
    f.polygon([(-0.7, 0), (-1.0, 0.35), (-0.85, 0)])
    f.ellipse((0.1, 0), (0.88, d.real(0.2, 0.26)))
    f.polygon([(-0.12, -0.16), (0.25, -0.18), (-0.15, d.real(-0.65, -0.5))])
    f.polygon([(0.1, 0.1), (0.4, 0.1), (-0.05, 0.55)])
    for u in (0.5, 0.57, 0.64):
        f.limb((u, -0.1), (u, 0.1), 0.015, tone="dark")
    f.ellipse((0.78, -0.06), (0.04, 0.04), "dark")


def _angelfish(f: Figure, d: Draws) -> None:
    f.polygon([(-0.45, 0), (-0.85, -0.25), (-0.85, 0.25)], "second")
    f.polygon([(0.3, -0.2), (-0.35, -0.2), (d.real(-0.6, -0.4), -0.95)], "second")
    f.polygon([(0.3, 0.2), (-0.35, 0.2), (d.real(-0.6, -0.4), 0.95)], "second")
    f.ellipse((0.1, 0), (0.58, d.real(0.48, 0.58)))
    for u in (-0.15, 0.12, 0.38):
        f.box((u, 0), (0.045, 0.42), "mark")
    f.ellipse((0.5, -0.1), (0.06, 0.06), "dark")


def _tuna(f: Figure, d: Draws) -> None:
    for s in (-1, 1):
        f.polygon([(-0.68, 0), (-1.0, s * d.real(0.4, 0.55)), (-0.8, 0)])
    f.ellipse((0.1, 0), (0.82, d.real(0.3, 0.36)))
    f.ellipse((0.12, 0.14), (0.7, 0.16), "light")
    for k in range(5):
        left, right, tip = -0.6 + k * 0.12, -0.5 + k * 0.12, -0.62 + k * 0.12
        low, high = -0.14 - k * 0.03, -0.3 - k * 0.03
        f.polygon([(left, low), (right, low), (tip, high)], "second")
    f.polygon([(0.1, -0.25), (0.4, -0.25), (0.05, -0.52)], "second")
    f.limb((0.3, 0.05), (0.0, 0.18), 0.05, tone="dark")
    f.ellipse((0.68, -0.05), (0.06, 0.06), "dark")


def _beetle(f: Figure, d: Draws) -> None:
    for v, reach in ((-0.3, -0.25), (0.1, 0.1), (0.4, 0.4)):
        for s in (-1, 1):
            f.limb((s * 0.3, v), (s * d.real(0.65, 0.85), v + reach), 0.045, tone="dark")
    f.ellipse((0, 0.2), (0.45, 0.62))
    f.box((0, 0.22), (0.02, 0.58), "dark")
    f.ellipse((0, -0.45), (0.34, 0.22), "second")
    f.ellipse((0, -0.7), (0.18, 0.14), "dark")
    for s in (-1, 1):
        f.limb((s * 0.08, -0.78), (s * d.real(0.25, 0.4), -0.98), 0.025, tone="dark")


def _spider(f: Figure, d: Draws) -> None:
    for k in range(4):
        angle = -0.9 + k * 0.6 + d.real(-0.1, 0.1)
        for s in (-1, 1):
            knee = (s * 0.55 * math.cos(angle), 0.6 * math.sin(angle) - 0.1)
            foot = (s * 0.95 * math.cos(angle), math.sin(angle) * 1.0 + 0.1)
            f.limb((0, -0.1), knee, 0.05, tone="second")
            f.limb(knee, foot, 0.04, tone="second")
    f.ellipse((0, d.real(0.28, 0.36)), (0.3, 0.38))
    f.ellipse((0, -0.15), (0.2, 0.2), "second")


def _crab(f: Figure, d: Draws) -> None:
    for k in range(3):
        for s in (-1, 1):
            f.limb((s * 0.4, 0.1 + 0.1 * k), (s * 0.85, 0.1 + 0.22 * k), 0.05)
            f.limb((s * 0.85, 0.1 + 0.22 * k), (s * 0.95, 0.4 + 0.2 * k), 0.04)
    for s in (-1, 1):
        top = d.real(-0.7, -0.5)
        f.limb((s * 0.4, 0), (s * 0.72, -0.25), 0.08)
        f.ellipse((s * 0.66, top), (0.14, 0.26), "main", turn=s * -0.3)
        f.polygon([(s * 0.62, top), (s * 0.5, top - 0.28), (s * 0.72, top - 0.28)], "dark")
    f.ellipse((0, 0.12), (0.58, d.real(0.34, 0.42)))
    for s in (-1, 1):
        f.limb((s * 0.15, -0.15), (s * 0.18, -0.42), 0.05, tone="dark")


def _stool(f: Figure, d: Draws) -> None:
    spread = d.real(0.1, 0.25)
    for u in (-0.4, -0.13, 0.13, 0.4):
        f.limb((u, -0.25), (u * (1 + spread), 0.9), 0.05, tone="second")
    f.box((0, d.real(0.35, 0.5)), (0.45, 0.04), "second")
    f.ellipse((0, -0.3), (0.58, d.real(0.14, 0.2)))


def _armchair(f: Figure, d: Draws) -> None:
    f.box((0, -0.25), (0.55, d.real(0.5, 0.6)))
    f.box((0, 0.3), (0.6, 0.24), "mark")
    for s in (-1, 1):
        f.limb((s * 0.66, -0.02), (s * 0.66, 0.6), d.real(0.14, 0.19))
        f.box((s * 0.6, 0.85), (0.06, 0.09), "dark")
    f.box((0, 0.62), (0.6, 0.1))


def _dining_chair(f: Figure, d: Draws) -> None:
    for u, v in ((-0.42, 0.9), (0.4, 0.9), (-0.18, 0.7), (0.55, 0.7)):
        f.limb((u, 0.15), (u, v), 0.05, tone="second")
    back = d.real(-0.95, -0.75)
    for u in (-0.4, -0.2, 0.0, 0.2, 0.4):
        f.limb((u - 0.03, back), (u, 0.1), 0.04, tone="second")
    f.box((-0.02, back), (0.48, 0.08), "second")
    f.polygon([(-0.5, 0.2), (0.45, 0.2), (0.6, 0.02), (-0.3, 0.02)])


def _bottle(f: Figure, d: Draws) -> None:
    f.box((0, 0.35), (d.real(0.26, 0.36), 0.58))
    f.taper((0, -0.32), (0.1, 0.3), 0.14)
    f.box((0, -0.6), (0.1, 0.28))
    f.box((0, -0.88), (0.13, 0.08), "dark")
    f.box((0, d.real(0.25, 0.5)), (0.31, 0.25), "light")


def _mug(f: Figure, d: Draws) -> None:
    f.ring((0.52, 0.05), (0.3, d.real(0.28, 0.38)), 0.07)
    f.box((-0.1, 0.1), (0.55, 0.62))
    f.ellipse((-0.1, -0.52), (0.55, 0.14), "dark")
    f.box((-0.1, d.real(0, 0.3)), (0.55, 0.1), "second")


def _vase(f: Figure, d: Draws) -> None:
    f.ellipse((0, 0.3), (d.real(0.42, 0.58), 0.5))
    f.taper((0, -0.4), (d.real(0.3, 0.4), 0.16), 0.3)
    f.box((0, 0.83), (0.28, 0.08), "second")
    f.box((0, -0.22), (0.2, 0.04), "second")
    f.ellipse((0, -0.7), (0.36, 0.09), "dark")


# (coarse, middle, fine): the function that paints the thing, and its most rotation in radians
OBJECTS: dict[tuple[str, str, str], tuple[Callable[[Figure, Draws], None], float]] = {
    ("vehicle", "car", "sedan"): (_sedan, 0.3),
    ("vehicle", "car", "pickup"): (_pickup, 0.3),
    ("vehicle", "car", "van"): (_van, 0.3),
    ("vehicle", "boat", "sailboat"): (_sailboat, 0.3),
    ("vehicle", "boat", "motorboat"): (_motorboat, 0.3),
    ("vehicle", "boat", "freighter"): (_freighter, 0.3),
    ("vehicle", "aircraft", "airliner"): (_airliner, 0.8),
    ("vehicle", "aircraft", "biplane"): (_biplane, 0.6),
    ("vehicle", "aircraft", "helicopter"): (_helicopter, 0.5),
    ("animal", "quadruped", "horse"): (_horse, 0.3),
    ("animal", "quadruped", "dog"): (_dog, 0.3),
    ("animal", "quadruped", "cow"): (_cow, 0.3),
    ("animal", "fish", "shark"): (_shark, 0.7),
    ("animal", "fish", "angelfish"): (_angelfish, 0.6),
    ("animal", "fish", "tuna"): (_tuna, 0.7),
    ("animal", "arthropod", "beetle"): (_beetle, math.pi),
    ("animal", "arthropod", "spider"): (_spider, math.pi),
    ("animal", "arthropod", "crab"): (_crab, 0.9),
    ("household", "seat", "stool"): (_stool, 0.3),
    ("household", "seat", "armchair"): (_armchair, 0.3),
    ("household", "seat", "dining_chair"): (_dining_chair, 0.3),
    ("household", "vessel", "bottle"): (_bottle, 0.7),
    ("household", "vessel", "mug"): (_mug, 0.4),
    ("household", "vessel", "vase"): (_vase, 0.4),
}

CLASSES = list(OBJECTS)


def render(draws: Draws, fine: int, n: int) -> np.ndarray:
    """Return an image of an object of a fine class: uint8 (n / 2, n / 2, 3)."""
    build, turn = OBJECTS[CLASSES[fine]]
    image = _clutter(draws, n)
    figure = Figure(image, draws, turn)
    # the skin is a nuisance here: any object may be plain, mottled, striped or checked
    kind = draws.pick(["plain", "plain", "mottle", "stripes", "bars", "checks"])
    texture = pattern(draws, kind, (figure.u, figure.v), cycles=draws.real(1.5, 4))
    figure.skin(texture * draws.real(0.1, 0.5))
    build(figure, draws)
    return expose(image, draws)

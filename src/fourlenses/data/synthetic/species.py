"""The domain ``species``: families share a body plan and a pose.

Their species differ in markings and in the shape of details.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

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
from fourlenses.data.synthetic.figure import Coordinates, Figure, pattern, sharpen


@dataclass(frozen=True)
class Trait:
    """The differences of a species from its siblings.

    Attributes:
        marking: A kind of `pattern`.
        cycles: Of the marking, for each unit of the body.
        first: A detail in [0, 1]; each family has its meaning for it.
        second: Another.
    """

    marking: str
    cycles: float
    first: float = field(kw_only=True)
    second: float = field(kw_only=True)


def _habitat(draws: Draws, n: int) -> np.ndarray:
    """Return a natural background (3, n, n).

    Litter, foliage, sky or water, with blades, twigs and leaves out of focus.
    """
    x, y = grid(n)
    hue = draws.pick([0.08, 0.13, 0.25, 0.33, 0.55, 0.6]) + draws.real(-0.05, 0.05)
    value = draws.real(0.2, 0.85)
    image = blank(n, colour(hue, draws.real(0.05, 0.6), value))
    hue_of_other, saturation = hue + draws.real(-0.12, 0.12), draws.real(0.05, 0.6)
    other = colour(hue_of_other, saturation, value + draws.real(-0.35, 0.3))
    patches = 0.5 + draws.real(0.3, 1.0) * fractal(draws, n, draws.whole(2, 7))
    paint(image, np.clip(patches, 0, 1), other)
    lean = draws.real(0, math.pi)
    for _ in range(draws.whole(1, 6)):
        turn = lean + draws.real(-0.4, 0.4)
        dx, dy = x - draws.real(-1, 1), y - draws.real(-1, 1)
        du = math.cos(turn) * dx + math.sin(turn) * dy
        dv = math.cos(turn) * dy - math.sin(turn) * dx
        ink = colour(hue + draws.real(-0.15, 0.15), draws.real(0.1, 0.6), draws.real(0.1, 0.85))
        if draws.chance(0.5):
            distance = np.abs(dv + draws.real(-0.3, 0.3) * du * du) - draws.real(0.02, 0.08)
            paint(image, coverage(distance, 0.06), ink)
        else:
            long, short = draws.real(0.2, 0.5), draws.real(0.08, 0.25)
            distance = (np.sqrt((du / long) ** 2 + (dv / short) ** 2) - 1) * short
            paint(image, coverage(distance, draws.real(0.05, 0.25)) * draws.real(0.4, 0.9), ink)
    return image


def _mark(f: Figure, t: Trait, coordinates: Coordinates) -> None:
    """Put the marking of a species on the skin; individuals differ in its strength.

    Args:
        f: The individual.
        t: Of the species.
        coordinates: Of the part that the marking grows on.
    """
    d = f.draws
    u, v = coordinates
    # Markings of living things waver and fade; the wobble is smooth over a marking or two, the
    # fading over the whole body.
    wobble = d.real(0.1, 0.3) / t.cycles
    u, v = u + wobble * noise(d, f.n, 9), v + wobble * noise(d, f.n, 9)
    fading = np.clip(1.1 + 0.8 * noise(d, f.n, 4), 0.25, 1)
    marking = pattern(d, t.marking, (u, v), cycles=t.cycles)
    f.skin(marking * fading * d.real(0.35, 0.95))


def _finch(f: Figure, d: Draws, t: Trait) -> None:
    _mark(f, t, f.local(0, 0, -0.35))
    for u in (-0.05, 0.12):
        f.limb((u, 0.4), (u + d.real(-0.05, 0.1), 0.8), 0.035, tone="dark")
    fork = 0.06 + 0.2 * t.first
    f.polygon([(-0.45, 0.1), (-0.5, 0.3), (-1.0, 0.5 + fork), (-1.0, 0.5)], "main")
    f.polygon([(-0.45, 0.1), (-0.5, 0.3), (-1.0, 0.5), (-1.0, 0.5 - fork)], "main")
    f.ellipse((-0.02, 0.08), (0.62, 0.38), "main", turn=-0.3)
    f.ellipse((0.5, -0.4), (0.27, 0.25))
    beak = 0.1 + 0.1 * t.second
    f.polygon([(0.7, -0.45 - beak / 2), (0.7, -0.45 + beak), (0.98, -0.38)], "dark")
    f.ellipse((-0.15, 0.08), (0.4, 0.2), f.inks["main"] * 0.8, turn=0.3)
    f.ellipse((0.57, -0.45), (0.05, 0.05), "dark")


def _wader(f: Figure, d: Draws, t: Trait) -> None:
    _mark(f, t, (f.u, f.v))
    for u in (-0.15, 0.05):
        f.limb((u, 0.2), (u + d.real(-0.1, 0.1), 0.95), 0.03, tone="dark")
    f.polygon([(-0.5, -0.15), (-0.5, 0.15), (-0.95, 0.1 + 0.1 * t.first)])
    f.ellipse((-0.1, 0.0), (0.58, 0.34))
    bend = d.real(-0.08, 0.08)
    f.limb((0.3, -0.1), (0.42 + bend, -0.62), 0.15, end=0.1)
    f.ellipse((0.47 + bend, -0.68), (0.17, 0.15))
    droop = 0.3 * (t.second - 0.3)
    f.limb((0.58 + bend, -0.66), (1.0, -0.62 + droop), 0.06, tone="dark", end=0.02)
    f.ellipse((0.5 + bend, -0.72), (0.035, 0.035), "dark")


def _duck(f: Figure, d: Draws, t: Trait) -> None:
    _mark(f, t, (f.u, f.v))
    f.polygon([(-0.5, 0.0), (-0.6, 0.4), (-1.0, -0.05 - 0.25 * t.first)])
    f.ellipse((-0.1, 0.25), (0.72, 0.38))
    f.limb((0.4, 0.15), (0.5, -0.3), 0.17)
    f.ellipse((0.53, -0.38), (0.27, 0.23), f.inks["main"] * d.real(0.6, 0.9))
    f.box((0.86, -0.32), (0.17, 0.05 + 0.05 * t.second), "second", turn=0.1)
    f.ellipse((0.58, -0.43), (0.045, 0.045), "dark")
    # the water line hides the belly at a height that varies
    line = d.real(0.45, 0.6) + 0.03 * np.sin(f.u * d.real(8, 14))
    f.add(line - f.v, f.image.mean(axis=(1, 2), keepdims=True) * 0.9, shade=False)


def _butterfly(f: Figure, d: Draws, t: Trait) -> None:
    mirrored = np.abs(f.u) * d.real(0.95, 1.3)  # wings are held more or less open
    body_u, f.u = f.u, mirrored
    _mark(f, t, f.local(0.1, 0.0, -0.6))
    lower = 0.3 + 0.14 * t.first
    f.ellipse((0.38, 0.42), (lower * 0.9, lower), "main", turn=0.7)
    if t.second > 0.7:
        f.limb((0.4, 0.65), (0.5, 1.0), 0.09, end=0.05)
    f.polygon(
        [
            (0.03, -0.1),
            (0.55, -0.75),
            (0.98, -0.72),
            (0.95, -0.2 + 0.1 * t.second),
            (0.35, 0.25),
            (0.03, 0.2),
        ]
    )
    f.u = body_u
    f.ellipse((0, 0.05), (0.07, 0.45), "dark")
    for s in (-1, 1):
        f.limb((0, -0.4), (s * d.real(0.2, 0.35), -0.8), 0.02, tone="dark")


def _ladybird(f: Figure, d: Draws, t: Trait) -> None:
    for v, reach in ((-0.3, -0.25), (0.1, 0.1), (0.4, 0.35)):
        for s in (-1, 1):
            f.limb((s * 0.4, v), (s * d.real(0.75, 0.9), v + reach), 0.04, tone="dark")
    f.ellipse((0, -0.68), (0.24, 0.2), "dark")
    f.ellipse((0, -0.48), (0.3 + 0.14 * t.second, 0.2), "second")
    _mark(f, t, (f.v, np.abs(f.u) - 0.05))
    f.ellipse((0, 0.15), (0.5 + 0.12 * t.first, 0.68))
    f.box((0, 0.15), (0.02, 0.66), "dark")


def _petals(f: Figure, d: Draws, t: Trait) -> None:
    """Paint a bloom: ``first`` is its number of petals, ``second`` the depth between them."""
    count = round(5 + 8 * t.first)
    radius = np.sqrt(f.u * f.u + f.v * f.v) + 1e-6
    angle = np.arctan2(f.v, f.u)
    _mark(f, t, (radius, angle * (count / math.tau)))
    notch = 0.12 + 0.5 * t.second
    lobes = np.abs(np.cos(angle * (count / 2) + d.real(0, math.tau)))
    f.limb((0, 0), (d.real(-0.4, 0.4), 1.6), 0.05, tone="dark")
    f.add((radius - 0.9 * (1 - notch * (1 - lobes))) * 0.7, "main")
    heart = d.real(0.2, 0.28)
    f.add(
        radius - heart, f.inks["second"] * (1 - 0.5 * pattern(d, "spots", (f.u, f.v), cycles=4.5))
    )


def _leaf(f: Figure, d: Draws, t: Trait) -> None:
    """Paint a leaf along u: ``first`` is its breadth, ``second`` the depth of its lobes.

    The marking is its venation.
    """
    bend = d.real(-0.25, 0.25)
    v = f.v + bend * (f.u * f.u - 0.4)
    along = np.clip((f.u + 0.9) / 1.8, 0, 1)
    _mark(f, t, (f.u, v))
    wave = np.sin(f.u * math.tau * (1.6 + t.cycles * 0.3) + d.real(0, math.tau))
    lobe = 1 - 0.75 * t.second * sharpen(wave, 0, 1.0)
    half = (0.3 + 0.35 * t.first) * np.maximum(np.sin(math.pi * along**0.8), 0) ** 0.8 * lobe * 1.2
    f.limb((-1.3, bend * -1.0), (-0.8, bend * -0.24), 0.04, tone="second")
    f.add(np.maximum((np.abs(v) - half) * 0.8, np.abs(f.u) - 0.9), "main")
    f.add(np.maximum(np.abs(v) - 0.03, np.abs(f.u) - 0.85), "second")


# the function that paints a species, its most rotation in radians, and the species
_Family = tuple[Callable[[Figure, Draws, Trait], None], float, dict[str, Trait]]
_FAMILIES: dict[tuple[str, str], _Family] = {
    ("bird", "finch"): (
        _finch,
        0.35,
        {
            "striped_finch": Trait("stripes", 2.6, first=0.2, second=0.3),
            "barred_finch": Trait("bars", 2.6, first=0.9, second=0.3),
            "spotted_finch": Trait("spots", 2.4, first=0.2, second=0.9),
            "mottled_finch": Trait("mottle", 2.2, first=0.9, second=0.9),
        },
    ),
    ("bird", "wader"): (
        _wader,
        0.3,
        {
            "barred_sandpiper": Trait("bars", 3.2, first=0.2, second=0.1),
            "broad_barred_curlew": Trait("bars", 1.8, first=0.8, second=1.0),
            "streaked_snipe": Trait("stripes", 2.8, first=0.2, second=0.9),
            "chevroned_godwit": Trait("chevrons", 2.4, first=0.8, second=0.0),
        },
    ),
    ("bird", "duck"): (
        _duck,
        0.25,
        {
            "scaled_teal": Trait("spots", 3.0, first=0.1, second=0.2),
            "chequered_gadwall": Trait("checks", 2.2, first=0.9, second=0.2),
            "barred_pintail": Trait("bars", 2.4, first=1.0, second=0.7),
            "streaked_shoveler": Trait("stripes", 2.4, first=0.1, second=1.0),
        },
    ),
    ("insect", "butterfly"): (
        _butterfly,
        math.pi,
        {
            "banded_admiral": Trait("bars", 2.4, first=0.3, second=0.2),
            "ringed_satyr": Trait("rings", 2.6, first=0.9, second=0.2),
            "chequered_fritillary": Trait("checks", 2.2, first=0.3, second=0.4),
            "striped_swallowtail": Trait("stripes", 2.4, first=0.8, second=1.0),
        },
    ),
    ("insect", "ladybird"): (
        _ladybird,
        math.pi,
        {
            "small_spotted_ladybird": Trait("spots", 3.0, first=0.4, second=0.3),
            "large_spotted_ladybird": Trait("spots", 1.8, first=0.9, second=0.3),
            "banded_ladybird": Trait("bars", 2.0, first=0.4, second=0.8),
            "striped_ladybird": Trait("stripes", 2.4, first=0.2, second=0.8),
        },
    ),
    ("plant", "bloom"): (
        _petals,
        math.pi,
        {
            "five_petalled_mallow": Trait("stripes", 2.0, first=0.0, second=0.6),
            "ringed_mallow": Trait("bars", 2.2, first=0.0, second=0.7),
            "eight_petalled_anemone": Trait("mottle", 2.2, first=0.4, second=0.7),
            "many_petalled_aster": Trait("stripes", 1.0, first=1.0, second=0.9),
        },
    ),
    ("plant", "leaf"): (
        _leaf,
        math.pi,
        {
            "feather_veined_beech": Trait("chevrons", 2.4, first=0.6, second=0.0),
            "parallel_veined_plantain": Trait("stripes", 3.0, first=0.4, second=0.0),
            "lobed_oak": Trait("chevrons", 2.0, first=0.8, second=0.7),
            "variegated_holly": Trait("mottle", 2.0, first=0.7, second=0.5),
        },
    ),
}

CLASSES = [
    (coarse, middle, fine) for (coarse, middle), family in _FAMILIES.items() for fine in family[2]
]


def render(draws: Draws, fine: int, n: int) -> np.ndarray:
    """Return an image of an individual of a species: uint8 (n / 2, n / 2, 3)."""
    coarse, middle, name = CLASSES[fine]
    body, turn, traits = _FAMILIES[coarse, middle]
    image = _habitat(draws, n)
    figure = Figure(image, draws, turn, scale=(0.8, 1.2))
    # feathers, scales and cells: fine mottling that every species has
    figure.inks["main"] = figure.inks["main"] * (1 + draws.real(0, 0.3) * noise(draws, n, 14))
    body(figure, draws, traits[name])
    return expose(image, draws)

"""The domain ``landcover``: the ground from above, at any orientation.

Classes differ in texture and layout.
"""

import math
from collections.abc import Callable

import numpy as np

from fourlenses.data.synthetic.canvas import colour, coverage, expose, fractal, grid, noise, paint
from fourlenses.data.synthetic.draws import Draws
from fourlenses.data.synthetic.figure import Pair, sharpen


class Ground:
    """A patch of ground.

    Map coordinates u, v (n, n) have a random rotation and scale. Inks follow the season and overlap
    between classes.
    """

    def __init__(self, draws: Draws, n: int) -> None:
        self.draws = draws
        self.n = n
        x, y = grid(n)
        turn, zoom = draws.real(0, math.tau), draws.real(0.8, 1.3)
        self.u = (math.cos(turn) * x + math.sin(turn) * y) * zoom
        self.v = (math.cos(turn) * y - math.sin(turn) * x) * zoom
        self.width = 2.5 / n * zoom
        # direction of the sun, for shadows and lit sides
        angle = draws.real(0, math.tau)
        self.sun = (math.cos(angle), math.sin(angle))
        self.tone_value = draws.real(0.3, 0.65)
        self.image = np.empty((3, n, n), np.float32)
        self.image[:] = self.tone()

    def tone(self, spread: float = 0.15) -> np.ndarray:
        """Return a colour of soil or plants, from straw through green to blue-grey: (3, 1, 1)."""
        d = self.draws
        hue, saturation = d.real(0.06, 0.4), d.real(0.1, 0.5)
        return colour(hue, saturation, self.tone_value + d.real(-spread, spread))

    def roof(self) -> np.ndarray:
        """Return a colour of tile, metal or concrete: (3, 1, 1)."""
        d = self.draws
        return colour(d.pick([0.04, 0.1, 0.6]), d.real(0, 0.4), d.real(0.5, 0.95))

    def water(self) -> np.ndarray:
        """Return a colour of water, from silty brown through green to dark blue: (3, 1, 1)."""
        d = self.draws
        hue, saturation = d.real(0.1, 0.62), d.real(0.1, 0.5)
        return colour(hue, saturation, max(0.08, self.tone_value + d.sign() * d.real(0.15, 0.3)))

    def mottle(self, cells: int, strength: float, octaves: int = 3) -> None:
        """Multiply the ground by fractal noise."""
        self.image *= 1 + strength * fractal(self.draws, self.n, cells, octaves=octaves)

    def block(self, centre: Pair, half: Pair, ink: np.ndarray, *, opacity: float = 1.0) -> None:
        """Paint a rectangle of two half-sides, in map coordinates."""
        du, dv = np.abs(self.u - centre[0]), np.abs(self.v - centre[1])
        distance = np.maximum(du - half[0], dv - half[1])
        paint(self.image, coverage(distance, self.width) * opacity, ink)

    def points(self, spacing: float, scatter: float, reach: float = 1.5) -> np.ndarray:
        """Return the points of a jittered lattice over the visible ground: float32 (k, 2).

        Args:
            spacing: Between neighbours.
            scatter: Most move of a point, as a share of the spacing.
            reach: Half the side of the lattice.
        """
        side = math.ceil(2 * reach / spacing)
        line = (np.arange(side) - (side - 1) / 2) * spacing
        nodes = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
        moves = self.draws.array(nodes.size, -scatter, scatter).reshape(-1, 2)
        return (nodes + moves * spacing).astype(np.float32)

    def cells(
        self, points: np.ndarray, spacing: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the nearest lattice point of each pixel.

        Only the 3 x 3 neighbourhood in the lattice is searched. For the scatter used here it holds
        the nearest point in all but rare corners.

        Args:
            points: Of `points`, (k, 2).
            spacing: Of these.

        Returns:
            Distance, offsets du and dv, and index of the point, (n, n) each.
        """
        side = math.isqrt(len(points))
        row = np.clip(np.rint(self.u / spacing + (side - 1) / 2).astype(np.int32), 1, side - 2)
        column = np.clip(np.rint(self.v / spacing + (side - 1) / 2).astype(np.int32), 1, side - 2)
        home = row * side + column
        best = np.full(self.u.shape, np.inf, np.float32)
        index = np.zeros(self.u.shape, np.int32)
        for step in [i * side + j for i in (-1, 0, 1) for j in (-1, 0, 1)]:
            near = home + step
            distance = (self.u - points[near, 0]) ** 2 + (self.v - points[near, 1]) ** 2
            closer = distance < best
            best = np.where(closer, distance, best)
            index = np.where(closer, near, index)
        return np.sqrt(best), self.u - points[index, 0], self.v - points[index, 1], index


def _crowns(g: Ground, *, spacing: float, radius: float, peak: float, scatter: float) -> None:
    """Paint tree crowns, lit from the side, with dark gaps between.

    Args:
        g: The ground.
        spacing: Between trees.
        radius: Of a crown, as a share of the spacing.
        peak: How pointed it is, in [0, 1].
        scatter: As in `Ground.points`.
    """
    d = g.draws
    points = g.points(spacing, scatter)
    distance, du, dv, index = g.cells(points, spacing)
    size = (d.array(len(points), 0.75, 1.1) * radius * spacing)[index]
    inside = coverage(distance - size, spacing * 0.25)
    slope = (du * g.sun[0] + dv * g.sun[1]) / size
    light = (1 - peak * distance / size + 0.45 * slope) * d.array(len(points), 0.75, 1.2)[index]
    g.image *= d.real(0.4, 0.75)
    paint(g.image, inside, g.tone(0.1) * np.clip(light, 0.1, 1.6))


def _broadleaf(g: Ground, d: Draws) -> None:
    _crowns(g, spacing=d.real(0.3, 0.42), radius=0.62, peak=0.25, scatter=0.35)
    g.mottle(16, 0.12, 1)


def _needleleaf(g: Ground, d: Draws) -> None:
    _crowns(g, spacing=d.real(0.17, 0.23), radius=0.5, peak=0.75, scatter=0.3)


def _shrub_thicket(g: Ground, d: Draws) -> None:
    clumps = sharpen(fractal(d, g.n, d.whole(6, 9), octaves=2), d.real(-0.15, 0.1), 2.5)
    away = (round(g.sun[0] * g.n / 40), round(g.sun[1] * g.n / 40))
    shadow = np.roll(clumps, away, (0, 1))
    paint(g.image, shadow * 0.5, g.tone() * 0.4)
    paint(g.image, clumps, g.tone() * (1 + 0.25 * noise(d, g.n, 18)))


def _savanna(g: Ground, d: Draws) -> None:
    g.mottle(4, 0.12)
    spacing = d.real(0.34, 0.48)
    points = g.points(spacing, 0.4)
    sizes = d.array(len(points), -0.08, 0.34) * spacing  # no tree for a negative size
    sun = np.array(g.sun, np.float32)
    # shadows first, then trees
    for shift, opacity, value in ((spacing * 0.16, 0.6, 0.35), (0.0, 1.0, 0.7)):
        distance, _, _, index = g.cells(points + np.float32(shift) * sun, spacing)
        cover = coverage(distance - sizes[index], g.width * 2)
        paint(g.image, cover * opacity, g.tone() * value)


def _strip_fields(g: Ground, d: Draws) -> None:
    edge = -1.9
    while edge < 1.9:
        wide = d.real(0.1, 0.3)
        strip = coverage(np.abs(g.u - edge - wide) - wide, g.width)
        rows = 1 + d.real(0, 0.2) * np.sin(g.u * d.real(40, 70))
        paint(g.image, strip, g.tone(0.22) * rows)
        edge += 2 * wide
    for _ in range(d.whole(1, 2)):
        g.block((0, d.real(-1, 1)), (3, 0.03), g.tone(0.3) * 1.3)
    g.mottle(8, 0.06, 2)


def _pivot_fields(g: Ground, d: Draws) -> None:
    g.mottle(6, 0.1)
    radius = d.real(0.36, 0.5)
    shift_u, shift_v = d.real(-radius, radius), d.real(-radius, radius)
    for i in range(-2, 3):
        for j in range(-2, 3):
            du, dv = g.u - shift_u - i * 2.15 * radius, g.v - shift_v - j * 2.15 * radius
            crop, share, swirl = g.tone(0.3), d.real(), d.real(20, 60)
            centre = (shift_u + i * 2.15 * radius, shift_v + j * 2.15 * radius)
            if abs(centre[0]) > 1.7 or abs(centre[1]) > 1.7 or d.chance(0.08):
                continue
            distance = np.sqrt(du * du + dv * dv)
            ink = crop * (1 + 0.12 * np.sin(distance * swirl))
            paint(g.image, coverage(distance - radius, g.width), ink)
            if share < 0.5:
                half_plane = du * math.cos(9 * share) + dv * math.sin(9 * share)
                sector = np.maximum(distance - radius, np.minimum(half_plane, dv))
                paint(g.image, coverage(sector, g.width), g.tone(0.3))


def _residential(g: Ground, d: Draws) -> None:
    g.mottle(8, 0.15)
    block_u, block_v = d.real(0.75, 1.0), d.real(0.4, 0.5)
    shift_u, shift_v = d.real(-0.5, 0.5), d.real(-0.5, 0.5)
    # houses first, in two rows to a block, then the streets over them
    pitch = block_u / d.pick([3, 4, 5])
    lot_u = (g.u - shift_u) / pitch
    lot_v = (g.v - shift_v) / (block_v / 2)
    column, row = np.floor(lot_u).astype(np.int32), np.floor(lot_v).astype(np.int32)
    key = np.clip(column + 20, 0, 39) * 40 + np.clip(row + 20, 0, 39)
    table = d.array(1600 * 4).reshape(4, 1600)[:, key]
    du = (lot_u - column - 0.5) * pitch + (table[0] - 0.5) * 0.04
    dv = (lot_v - row - 0.5) * (block_v / 2) + (table[1] - 0.5) * 0.04
    half_width = pitch * (0.22 + 0.12 * table[2])
    house = np.maximum(np.abs(du) - half_width, np.abs(dv) - 0.05 - 0.03 * table[1])
    present = table[3] < d.real(0.8, 0.97)
    shade = np.where(dv * g.sun[1] + du * g.sun[0] > 0, 1.1, 0.8) * (0.75 + 0.4 * table[0])
    paint(g.image, coverage(house - 0.02, g.width) * present * 0.5, g.tone() * 0.4)
    paint(g.image, coverage(house, g.width) * present, g.roof() * shade)
    street_u, street_v = (g.u - shift_u) / block_u, (g.v - shift_v) / block_v
    street = np.minimum(
        np.abs(street_u - np.rint(street_u)) * block_u,
        np.abs(street_v - np.rint(street_v)) * block_v,
    )
    paint(g.image, coverage(street - 0.045, g.width), colour(0, 0, d.real(0.3, 0.75)))


def _industrial(g: Ground, d: Draws) -> None:
    g.image[:] = colour(d.real(), d.real(0, 0.15), d.real(0.35, 0.6))
    g.mottle(8, 0.08)
    pitch_u, pitch_v = d.real(0.75, 1.0), d.real(0.6, 0.8)
    shift_u, shift_v = d.real(-0.4, 0.4), d.real(-0.4, 0.4)
    for i in range(-2, 3):
        for j in range(-2, 3):
            cu, cv = shift_u + i * pitch_u, shift_v + j * pitch_v
            hu, hv = pitch_u * d.real(0.28, 0.44), pitch_v * d.real(0.25, 0.42)
            ink, kind, rate = g.roof(), d.real(), d.real(25, 45)
            if abs(cu) > 1.8 or abs(cv) > 1.8:
                continue
            if kind < 0.25:  # a car park: rows of stalls
                stalls = np.sin(g.u * 60) * np.sin(g.v * 22) > 0
                g.block((cu, cv), (hu, hv), ink * (0.55 + 0.3 * stalls))
                continue
            shadow = (cu + 0.05 * g.sun[0], cv + 0.05 * g.sun[1])
            g.block(shadow, (hu, hv), ink * 0.25, opacity=0.8)
            g.block((cu, cv), (hu, hv), ink * (1 + 0.12 * np.sign(np.sin(g.v * rate))))
            g.block((cu, cv), (hu * 0.9, 0.02), ink * 0.6)


def _river(g: Ground, d: Draws) -> None:
    g.mottle(6, 0.2)
    bank = d.real(0.1, 0.22)
    course = (
        d.real(-0.4, 0.4)
        + d.real(0.2, 0.4) * np.sin(g.u * d.real(2.2, 4) + d.real(0, 6))
        + 0.12 * noise(d, g.n, 4)
    )
    distance = np.abs(g.v - course) - bank * (1 + 0.4 * noise(d, g.n, 3))
    paint(g.image, coverage(distance - 0.07, 0.08), g.tone() * 1.3)
    paint(g.image, coverage(distance, g.width), g.water() * (1 + 0.06 * noise(d, g.n, 16)))


def _lakes(g: Ground, d: Draws) -> None:
    g.mottle(6, 0.2)
    level = fractal(d, g.n, 3, octaves=2) - d.real(-0.1, 0.25)
    paint(g.image, coverage(-level - 0.12, 0.15), g.tone() * 1.3)
    paint(g.image, coverage(-level, 0.06), g.water() * (1 + 0.06 * noise(d, g.n, 16)))


def _dunes(g: Ground, d: Draws) -> None:
    warp = 0.22 * noise(d, g.n, 3) + 0.06 * noise(d, g.n, 8)
    phase = (g.u + warp) * d.real(1.6, 3.2)
    tooth = phase - np.floor(phase)
    # a long windward and a short lee side
    ridge = np.where(tooth < 0.72, tooth / 0.72, (1 - tooth) / 0.28)
    g.image *= 1 + d.real(0.3, 0.6) * (ridge - 0.5) * np.where(tooth < 0.72, 1, 1.4)
    g.mottle(16, 0.05, 1)


def _rock(g: Ground, d: Draws) -> None:
    ridged = 1 - np.abs(fractal(d, g.n, d.whole(4, 6), octaves=3)) * 2
    g.image *= 1 + d.real(0.3, 0.5) * ridged
    spacing = d.real(0.35, 0.55)
    joints = np.abs(np.sin((g.u + 0.15 * ridged) * math.pi / spacing))
    paint(g.image, sharpen(0.12 - joints, 0, 6.0) * 0.7, g.tone() * 0.3)


COVERS: dict[tuple[str, str, str], Callable[[Ground, Draws], None]] = {
    ("vegetated", "forest", "broadleaf_canopy"): _broadleaf,
    ("vegetated", "forest", "needleleaf_canopy"): _needleleaf,
    ("vegetated", "shrubland", "shrub_thicket"): _shrub_thicket,
    ("vegetated", "shrubland", "open_savanna"): _savanna,
    ("managed", "cropland", "strip_fields"): _strip_fields,
    ("managed", "cropland", "pivot_fields"): _pivot_fields,
    ("managed", "built_up", "residential_grid"): _residential,
    ("managed", "built_up", "industrial_estate"): _industrial,
    ("open", "water", "meandering_river"): _river,
    ("open", "water", "lake_district"): _lakes,
    ("open", "bare_ground", "sand_dunes"): _dunes,
    ("open", "bare_ground", "rock_outcrop"): _rock,
}

CLASSES = list(COVERS)


def render(draws: Draws, fine: int, n: int) -> np.ndarray:
    """Return an image of a patch of a land cover: uint8 (n / 2, n / 2, 3)."""
    ground = Ground(draws, n)
    COVERS[CLASSES[fine]](ground, draws)
    return expose(ground.image, draws, gradient=0.15)

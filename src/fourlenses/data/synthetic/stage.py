"""The stage of the domain ``scenes``: a camera, an hour of the day, and common elements.

Letters of shapes: n pixels of a side while it is drawn.
"""

import numpy as np

from fourlenses.data.synthetic.canvas import (
    blank,
    colour,
    coverage,
    fractal,
    grid,
    noise,
    paint,
    profile,
)
from fourlenses.data.synthetic.draws import Draws
from fourlenses.data.synthetic.figure import Pair, sharpen


class Stage:
    """A scene under construction.

    The camera's coordinates x, y (n, n) have a random zoom and a little roll; inks follow the hour
    and the weather.
    """

    def __init__(self, draws: Draws, n: int) -> None:
        self.draws = draws
        self.n = n
        x, y = grid(n)
        roll, zoom = draws.real(-0.06, 0.06), draws.real(0.5, 1.05)
        self.x = (x + roll * y) * zoom * draws.sign() + draws.real(-0.3, 0.3)
        self.y = (y - roll * x) * zoom + draws.real(-0.2, 0.2)
        self.width = 2.5 / n
        self.hour = draws.real(0.35, 1.0)
        self.haze = colour(draws.real(), draws.real(0, 0.35), self.hour)
        self.image = blank(n, self.haze)

    def ink(self, low: float = 0.15, high: float = 0.9) -> np.ndarray:
        """Return any colour within a range of values, in the light of the hour: (3, 1, 1)."""
        d = self.draws
        return colour(d.real(), d.real(0, 0.55), d.real(low, high) * (0.4 + 0.6 * self.hour))

    def growth(self) -> np.ndarray:
        """Return a colour of soil or plants in some season: (3, 1, 1)."""
        d = self.draws
        hue, saturation = d.real(0.04, 0.42), d.real(0.05, 0.55)
        return colour(hue, saturation, d.real(0.2, 0.8) * (0.4 + 0.6 * self.hour))

    def fill(
        self, distance: np.ndarray, ink: np.ndarray, *, soft: float = 0.0, opacity: float = 1.0
    ) -> None:
        """Paint a shape.

        Args:
            distance: Signed distance from its edge, negative inside, (n, n).
            ink: (3, 1, 1) or (3, n, n).
            soft: Width of its edge beyond that of a sharp one.
            opacity: In [0, 1].
        """
        paint(self.image, coverage(distance, self.width + soft) * opacity, ink)

    def box(self, across: Pair, down: Pair, ink: np.ndarray) -> None:
        """Paint an upright rectangle, from its left to its right and from its top to its bottom."""
        (left, right), (top, bottom) = across, down
        outside_x = np.abs(self.x - (left + right) / 2) - (right - left) / 2
        outside_y = np.abs(self.y - (top + bottom) / 2) - (bottom - top) / 2
        self.fill(np.maximum(outside_x, outside_y), ink)

    def sky(self) -> None:
        """Paint a gradient towards the horizon, with or without clouds."""
        d = self.draws
        hue, saturation = d.pick([0.55, 0.6, 0.08, 0.0, 0.7]), d.real(0, 0.5)
        top = colour(hue, saturation, self.hour * d.real(0.6, 1))
        paint(self.image, np.clip(0.5 - self.y * 0.8, 0, 1), top)
        if d.chance(0.6):
            cloud = sharpen(
                fractal(d, self.n, d.whole(2, 3), octaves=2), d.real(-0.1, 0.5), d.real(0.8, 2)
            )
            ink = colour(d.real(), d.real(0, 0.15), min(1.0, self.hour * 1.1))
            paint(self.image, cloud * 0.7, ink)

    def ground(self, level: float, ink: np.ndarray) -> None:
        """Paint everything below a level, with a texture that gets coarser towards the viewer."""
        d = self.draws
        fine = d.real(0.05, 0.3) * noise(d, self.n, 20, columns=6)
        coarse = d.real(0, 0.15) * noise(d, self.n, 8, columns=4)
        self.fill(level - self.y, ink * (1 + fine + coarse))

    def ridge(
        self,
        base: float,
        height: float,
        *,
        cells: int,
        octaves: int,
        ink: np.ndarray,
        sharp: bool = False,
    ) -> np.ndarray:
        """Paint a skyline and return the depth below it, (n, n).

        Args:
            base: Level around which it varies.
            height: Most distance from there.
            cells: Of its noise.
            octaves: Of its noise.
            ink: Of everything below.
            sharp: Peaks, not hills.
        """
        line = profile(self.draws, self.n, cells, octaves=octaves)
        if sharp:
            line = 1 - 2 * np.abs(line)
        depth = self.y - (base - height * line)
        self.fill(-depth, ink)
        return depth

    def depth(
        self, vanish_x: float, vanish_y: float, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates of a plane in perspective.

        Args:
            vanish_x: The vanishing point.
            vanish_y: The vanishing point.
            level: Of the plane below the eye; negative above it.

        Returns:
            The distance ahead, with a limit, and the position sideways, (n, n) each.
        """
        below = self.y - vanish_y if level > 0 else vanish_y - self.y
        z = abs(level) / np.maximum(below, 0.02)
        return z, (self.x - vanish_x) * z

    def sea(self, level: float) -> None:
        """Paint water below a level, with waves that grow towards the viewer."""
        d = self.draws
        z, _ = self.depth(0, level, 1.0)
        strength = d.real(0.1, 0.3)
        phase = np.minimum(z, 9) * d.real(5, 9) + 2 * noise(d, self.n, 6, columns=3)
        self.fill(level - self.y, self.ink(0.3, 0.8) * (1 + strength * np.sin(phase)))

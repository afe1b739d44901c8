"""What the places of the domain ``scenes`` are built with: a camera, an hour of the day, and common elements."""

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
from fourlenses.data.synthetic.figure import sharpen


class Stage:
    """A scene under construction: camera x, y (n, n) framed more or less tightly with a little roll, inks by hour and weather."""

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
        """Any colour of a thing, within a range of values, in the light of the hour: (3, 1, 1)."""
        d = self.draws
        return colour(d.real(), d.real(0, 0.55), d.real(low, high) * (0.4 + 0.6 * self.hour))

    def growth(self) -> np.ndarray:
        """A colour of soil or plants in some season: (3, 1, 1)."""
        d = self.draws
        return colour(
            d.real(0.04, 0.42), d.real(0.05, 0.55), d.real(0.2, 0.8) * (0.4 + 0.6 * self.hour)
        )

    def fill(
        self, distance: np.ndarray, ink: np.ndarray, soft: float = 0.0, opacity: float = 1.0
    ) -> None:
        """Paint where the signed distance is negative."""
        paint(self.image, coverage(distance, self.width + soft) * opacity, ink)

    def box(
        self,
        left: float,
        right: float,
        top: float,
        bottom: float,
        ink: np.ndarray,
        opacity: float = 1.0,
    ) -> None:
        """An upright rectangle."""
        self.fill(
            np.maximum(
                np.abs(self.x - (left + right) / 2) - (right - left) / 2,
                np.abs(self.y - (top + bottom) / 2) - (bottom - top) / 2,
            ),
            ink,
            opacity=opacity,
        )

    def sky(self) -> None:
        """A gradient towards the horizon, with or without clouds."""
        d = self.draws
        top = colour(
            d.pick([0.55, 0.6, 0.08, 0.0, 0.7]), d.real(0, 0.5), self.hour * d.real(0.6, 1)
        )
        paint(self.image, np.clip(0.5 - self.y * 0.8, 0, 1), top)
        if d.chance(0.6):
            cloud = sharpen(fractal(d, self.n, d.whole(2, 3), 2), d.real(-0.1, 0.5), d.real(0.8, 2))
            paint(
                self.image,
                cloud * 0.7,
                colour(d.real(), d.real(0, 0.15), min(1.0, self.hour * 1.1)),
            )

    def ground(self, level: float, ink: np.ndarray) -> None:
        """Everything below a level, with texture that grows coarser towards the viewer."""
        d = self.draws
        texture = (
            1
            + d.real(0.05, 0.3) * noise(d, self.n, 20, 6)
            + d.real(0, 0.15) * noise(d, self.n, 8, 4)
        )
        self.fill(level - self.y, ink * texture)

    def ridge(
        self,
        base: float,
        height: float,
        cells: int,
        octaves: int,
        ink: np.ndarray,
        sharp: bool = False,
    ) -> np.ndarray:
        """A skyline of hills (or, sharp, of peaks) around ``base``; returns the depth below the skyline (n, n)."""
        line = profile(self.draws, self.n, cells, octaves)
        if sharp:
            line = 1 - 2 * np.abs(line)
        depth = self.y - (base - height * line)
        self.fill(-depth, ink)
        return depth

    def depth(
        self, vanish_x: float, vanish_y: float, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Perspective of a plane ``level`` below the eye: distance ahead z (capped) and sideways position s, (n, n) each."""
        drop = (
            np.maximum(self.y - vanish_y, 0.02)
            if level > 0
            else np.maximum(vanish_y - self.y, 0.02)
        )
        z = abs(level) / drop
        return z, (self.x - vanish_x) * z

    def sea(self, level: float) -> None:
        """Water from a level down to the lower edge, with waves that grow towards the viewer."""
        d = self.draws
        z, _ = self.depth(0, level, 1.0)
        wave = 1 + d.real(0.1, 0.3) * np.sin(
            np.minimum(z, 9) * d.real(5, 9) + 2 * noise(d, self.n, 6, 3)
        )
        self.fill(level - self.y, self.ink(0.3, 0.8) * wave)

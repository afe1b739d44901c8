"""A posed figure: primitive parts in body coordinates, with a random palette and skin.

Letters of shapes: n pixels of a side while it is drawn; u, v: coordinates of the body.
"""

import math
from typing import Protocol

import numpy as np

from fourlenses.data.synthetic.canvas import colour, coverage, fractal, grid, paint
from fourlenses.data.synthetic.draws import Draws

Ink = str | np.ndarray  # a tone of the palette, or (3, 1, 1) or (3, n, n)
Pair = tuple[float, float]
Coordinates = tuple[np.ndarray, np.ndarray]  # (n, n) each


class Figure:
    """A figure in a random pose over an image.

    Parts have coordinates of the body, about [-1, 1] in u (across) and v (downwards); the pose maps
    them into the image. ``inks`` maps names of tones to colours (3, 1, 1), which are random for
    each image: a tone says which parts match, never which colour they have.

    Args:
        image: The background, which is painted over, (3, n, n).
        draws: Of the image.
        turn: Most rotation to either side, in radians.
        scale: Least and most size.
    """

    def __init__(
        self, image: np.ndarray, draws: Draws, turn: float, *, scale: Pair = (0.7, 1.1)
    ) -> None:
        self.image = image
        self.draws = draws
        self.n = image.shape[1]
        x, y = grid(self.n)
        angle = draws.real(-turn, turn)
        size = draws.real(*scale)
        room = max(0.15, 1.1 - size * 0.85)
        x, y = x - draws.real(-room, room), y - draws.real(-room, room)
        cosine, sine = math.cos(angle) / size, math.sin(angle) / size
        u, v = cosine * x + sine * y, cosine * y - sine * x
        # a change of view point: foreshortening along an axis and a little shear
        self.u = (u + draws.real(-0.15, 0.15) * v) * (draws.sign() * draws.real(0.9, 1.25))
        self.v = v * draws.real(0.92, 1.12)
        self.width = 2.5 / self.n / size
        self._shade = 1 + draws.real(-0.25, 0.35) * self.v
        self.inks = _palette(draws, image)

    def skin(self, texture: np.ndarray) -> None:
        """Mix the tone ``mark`` into the tone ``main`` by a texture in [0, 1], (n, n)."""
        self.inks["main"] = self.inks["main"] + texture * (self.inks["mark"] - self.inks["main"])

    def add(self, distance: np.ndarray, tone: Ink, shade: bool = True) -> np.ndarray:
        """Paint a part and return its opacity, (n, n).

        Args:
            distance: Signed distance from its edge in body units, negative inside, (n, n).
            tone: Its ink.
            shade: Whether the light on the body falls on it.
        """
        opacity = coverage(distance, self.width)
        ink = self.inks[tone] if isinstance(tone, str) else tone
        paint(self.image, opacity, ink * self._shade if shade else ink)
        return opacity

    def local(self, cu: float, cv: float, turn: float = 0.0) -> Coordinates:
        """Return coordinates centred on a point of the body and turned by an angle in radians."""
        du, dv = self.u - cu, self.v - cv
        if turn == 0.0:
            return du, dv
        cosine, sine = math.cos(turn), math.sin(turn)
        return cosine * du + sine * dv, cosine * dv - sine * du

    def ellipse(
        self, centre: Pair, radii: Pair, tone: Ink = "main", *, turn: float = 0.0
    ) -> np.ndarray:
        """Paint a filled ellipse."""
        du, dv = self.local(*centre, turn)
        ru, rv = radii
        return self.add((np.sqrt((du / ru) ** 2 + (dv / rv) ** 2) - 1) * min(ru, rv), tone)

    def ring(self, centre: Pair, radii: Pair, thick: float, *, tone: Ink = "main") -> np.ndarray:
        """Paint the outline of an ellipse, ``thick`` to either side."""
        du, dv = self.local(*centre)
        ru, rv = radii
        distance = np.abs(np.sqrt((du / ru) ** 2 + (dv / rv) ** 2) - 1) * min(ru, rv)
        return self.add(distance - thick, tone)

    def box(self, centre: Pair, half: Pair, tone: Ink = "main", *, turn: float = 0.0) -> np.ndarray:
        """Paint a filled rectangle of two half-sides."""
        du, dv = self.local(*centre, turn)
        return self.add(np.maximum(np.abs(du) - half[0], np.abs(dv) - half[1]), tone)

    def taper(
        self, centre: Pair, half_widths: Pair, half_height: float, *, tone: Ink = "main"
    ) -> np.ndarray:
        """Paint a filled symmetric trapezium.

        Args:
            centre: At half its height.
            half_widths: At its upper and its lower end.
            half_height: Along v.
            tone: Its ink.
        """
        du, dv = self.local(*centre)
        top, bottom = half_widths
        side = np.abs(du) - (top + bottom) / 2 - dv * ((bottom - top) / (2 * half_height))
        return self.add(np.maximum(side, np.abs(dv) - half_height), tone)

    def limb(
        self,
        start: Pair,
        stop: Pair,
        thick: float,
        *,
        tone: Ink = "main",
        end: float | None = None,
    ) -> np.ndarray:
        """Paint a rounded bar.

        Args:
            start: Middle of its first end.
            stop: Middle of its other end.
            thick: Half its thickness at the first end.
            tone: Its ink.
            end: Half its thickness at the other end; the same by default.
        """
        du, dv = self.u - start[0], self.v - start[1]
        wu, wv = stop[0] - start[0], stop[1] - start[1]
        along = np.clip((du * wu + dv * wv) / (wu * wu + wv * wv), 0, 1)
        thickness = thick if end is None else thick + along * (end - thick)
        return self.add(np.sqrt((du - along * wu) ** 2 + (dv - along * wv) ** 2) - thickness, tone)

    def polygon(self, corners: list[Pair], tone: Ink = "main") -> np.ndarray:
        """Paint a filled convex polygon; the corners go around in either direction."""
        middle_u = sum(u for u, _ in corners) / len(corners)
        middle_v = sum(v for _, v in corners) / len(corners)
        sides = []
        for (au, av), (bu, bv) in zip(corners, corners[1:] + corners[:1], strict=True):
            nu, nv = bv - av, au - bu
            length = math.hypot(nu, nv)
            if (middle_u - au) * nu + (middle_v - av) * nv > 0:
                nu, nv = -nu, -nv
            sides.append((self.u - au) * (nu / length) + (self.v - av) * (nv / length))
        return self.add(np.maximum.reduce(sides), tone)


def _palette(draws: Draws, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return random inks.

    The main tone mostly differs from the mean brightness of the background, as subjects of
    photographs do.
    """
    behind = float(image.mean())
    hue = draws.real()
    value = draws.real(0.2, 0.95)
    if abs(value * 0.85 - behind) < 0.18 and draws.chance(0.8):
        value = behind + (0.35 if behind < 0.5 else -0.3)
    main = colour(hue, draws.real(0.05, 0.75), value)
    contrast = draws.real(0.35, 0.7) * (-1 if value > 0.5 else 1)
    mark = colour(hue + draws.real(-0.25, 0.25), draws.real(0, 0.7), value + contrast)
    second = colour(draws.real(), draws.real(0.05, 0.7), draws.real(0.25, 0.95))
    dark = colour(draws.real(), draws.real(0, 0.4), draws.real(0.03, 0.22))
    light = colour(draws.real(), draws.real(0, 0.25), draws.real(0.75, 1))
    return {"main": main, "mark": mark, "second": second, "dark": dark, "light": light}


def sharpen(wave: np.ndarray, level: float = 0.0, gain: float = 4.0) -> np.ndarray:
    """Turn a wave into a nearly two-valued mask in [0, 1] at the given level."""
    return np.clip((wave - level) * gain + 0.5, 0, 1)


def _bars(u: np.ndarray, v: np.ndarray, *, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * u + phase))


def _stripes(u: np.ndarray, v: np.ndarray, *, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * v + phase))


def _spots(u: np.ndarray, v: np.ndarray, *, rate: float, phase: float) -> np.ndarray:
    wave = np.sin(rate * 0.8 * (u + v) + phase) * np.sin(rate * 0.8 * (u - v) + phase)
    return sharpen(wave, 0.35)


def _chevrons(u: np.ndarray, v: np.ndarray, *, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * (u + 0.9 * np.abs(v)) + phase))


def _checks(u: np.ndarray, v: np.ndarray, *, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * u + phase) * np.sin(rate * v + phase), 0.0, 6.0)


def _rings(u: np.ndarray, v: np.ndarray, *, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * np.sqrt(u * u + v * v) + phase))


class _Pattern(Protocol):
    def __call__(
        self, u: np.ndarray, v: np.ndarray, *, rate: float, phase: float
    ) -> np.ndarray: ...


_PATTERNS: dict[str, _Pattern] = {
    "bars": _bars,
    "stripes": _stripes,
    "spots": _spots,
    "chevrons": _chevrons,
    "checks": _checks,
    "rings": _rings,
}


def pattern(draws: Draws, kind: str, coordinates: Coordinates, *, cycles: float) -> np.ndarray:
    """Return a marking in [0, 1]: float32 (n, n).

    Args:
        draws: Of the image.
        kind: ``bars`` cross the first axis, ``stripes`` follow it; ``spots``, ``chevrons``,
            ``checks``, ``rings``, ``mottle``, ``plain``.
        coordinates: Of the body, (n, n) each.
        cycles: Repeats for each unit of them; individuals vary by 15 %.
    """
    u, v = coordinates
    if kind == "plain":
        return np.zeros_like(u)
    if kind == "mottle":
        return sharpen(fractal(draws, u.shape[0], max(4, round(cycles * 4)), octaves=2), 0.1, 2.5)
    rate = math.tau * cycles * draws.real(0.87, 1.15)
    return _PATTERNS[kind](u, v, rate=rate, phase=draws.real(0, math.tau))

"""A posed figure: primitive parts in body coordinates, painted over a background with one random palette and skin."""

import math
from collections.abc import Callable

import numpy as np

from fourlenses.data.synthetic.canvas import colour, coverage, fractal, grid, paint
from fourlenses.data.synthetic.draws import Draws

Ink = str | np.ndarray


class Figure:
    """Parts are placed in a body frame of about [-1, 1] squared (v downwards); the pose maps it into the picture.

    ``inks`` maps tone names to (3, 1, 1) colours. They are random per image: a tone says which parts match, never which colour they are.
    """

    def __init__(
        self, image: np.ndarray, draws: Draws, turn: float, scale: tuple[float, float] = (0.7, 1.1)
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
        # A change of view point: foreshortening along one axis and a little shear.
        self.u = (u + draws.real(-0.15, 0.15) * v) * (draws.sign() * draws.real(0.9, 1.25))
        self.v = v * draws.real(0.92, 1.12)
        self.width = 2.5 / self.n / size
        self._shade = 1 + draws.real(-0.25, 0.35) * self.v
        self.inks = _palette(draws, image)

    def skin(self, texture: np.ndarray) -> None:
        """Modulate the tone ``main`` by a texture (n, n): 0 leaves it as it is, 1 turns it into the tone ``mark``."""
        self.inks["main"] = self.inks["main"] + texture * (self.inks["mark"] - self.inks["main"])

    def add(self, distance: np.ndarray, tone: Ink, shade: bool = True) -> np.ndarray:
        """Paint a part from its signed distance (n, n) in body units; returns its opacity (n, n)."""
        opacity = coverage(distance, self.width)
        ink = self.inks[tone] if isinstance(tone, str) else tone
        paint(self.image, opacity, ink * self._shade if shade else ink)
        return opacity

    def local(self, cu: float, cv: float, turn: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (n, n) centred on a point of the body and turned by an angle in radians."""
        du, dv = self.u - cu, self.v - cv
        if turn == 0.0:
            return du, dv
        cosine, sine = math.cos(turn), math.sin(turn)
        return cosine * du + sine * dv, cosine * dv - sine * du

    def ellipse(
        self, cu: float, cv: float, ru: float, rv: float, tone: Ink = "main", turn: float = 0.0
    ) -> np.ndarray:
        """A filled ellipse with the given centre and half-axes."""
        du, dv = self.local(cu, cv, turn)
        return self.add((np.sqrt((du / ru) ** 2 + (dv / rv) ** 2) - 1) * min(ru, rv), tone)

    def ring(
        self, cu: float, cv: float, ru: float, rv: float, thick: float, tone: Ink = "main"
    ) -> np.ndarray:
        """The outline of an ellipse, ``thick`` to either side."""
        du, dv = self.local(cu, cv)
        return self.add(
            np.abs(np.sqrt((du / ru) ** 2 + (dv / rv) ** 2) - 1) * min(ru, rv) - thick, tone
        )

    def box(
        self, cu: float, cv: float, hu: float, hv: float, tone: Ink = "main", turn: float = 0.0
    ) -> np.ndarray:
        """A filled rectangle with the given centre and half-sides."""
        du, dv = self.local(cu, cv, turn)
        return self.add(np.maximum(np.abs(du) - hu, np.abs(dv) - hv), tone)

    def taper(
        self,
        cu: float,
        cv: float,
        top: float,
        bottom: float,
        hv: float,
        tone: Ink = "main",
        turn: float = 0.0,
    ) -> np.ndarray:
        """A symmetric trapezium: half-width ``top`` at its upper end, ``bottom`` at its lower end, half-height ``hv``."""
        du, dv = self.local(cu, cv, turn)
        return self.add(
            np.maximum(
                np.abs(du) - (top + bottom) / 2 - dv * ((bottom - top) / (2 * hv)), np.abs(dv) - hv
            ),
            tone,
        )

    def limb(
        self,
        au: float,
        av: float,
        bu: float,
        bv: float,
        thick: float,
        tone: Ink = "main",
        end: float | None = None,
    ) -> np.ndarray:
        """A rounded bar from a to b of half-thickness ``thick`` at a and ``end`` (default the same) at b."""
        du, dv = self.u - au, self.v - av
        wu, wv = bu - au, bv - av
        along = np.clip((du * wu + dv * wv) / (wu * wu + wv * wv), 0, 1)
        thickness = thick if end is None else thick + along * (end - thick)
        return self.add(np.sqrt((du - along * wu) ** 2 + (dv - along * wv) ** 2) - thickness, tone)

    def polygon(self, corners: list[tuple[float, float]], tone: Ink = "main") -> np.ndarray:
        """A filled convex polygon; corners (u, v) in either sense of rotation."""
        middle_u = sum(c[0] for c in corners) / len(corners)
        middle_v = sum(c[1] for c in corners) / len(corners)
        distance = None
        for (au, av), (bu, bv) in zip(corners, corners[1:] + corners[:1], strict=True):
            nu, nv = bv - av, au - bu
            length = math.hypot(nu, nv)
            if (middle_u - au) * nu + (middle_v - av) * nv > 0:
                nu, nv = -nu, -nv
            side = (self.u - au) * (nu / length) + (self.v - av) * (nv / length)
            distance = side if distance is None else np.maximum(distance, side)
        return self.add(distance, tone)


def _palette(draws: Draws, image: np.ndarray) -> dict[str, np.ndarray]:
    """Random inks whose main tone stands off from the background's mean brightness, as subjects of photographs mostly do."""
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


def _bars(u: np.ndarray, v: np.ndarray, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * u + phase))


def _stripes(u: np.ndarray, v: np.ndarray, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * v + phase))


def _spots(u: np.ndarray, v: np.ndarray, rate: float, phase: float) -> np.ndarray:
    return sharpen(
        np.sin(rate * 0.8 * (u + v) + phase) * np.sin(rate * 0.8 * (u - v) + phase), 0.35
    )


def _chevrons(u: np.ndarray, v: np.ndarray, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * (u + 0.9 * np.abs(v)) + phase))


def _checks(u: np.ndarray, v: np.ndarray, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * u + phase) * np.sin(rate * v + phase), 0.0, 6.0)


def _rings(u: np.ndarray, v: np.ndarray, rate: float, phase: float) -> np.ndarray:
    return sharpen(np.sin(rate * np.sqrt(u * u + v * v) + phase))


PATTERNS: dict[str, Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]] = {
    "bars": _bars,
    "stripes": _stripes,
    "spots": _spots,
    "chevrons": _chevrons,
    "checks": _checks,
    "rings": _rings,
}


def pattern(draws: Draws, kind: str, u: np.ndarray, v: np.ndarray, cycles: float) -> np.ndarray:
    """A marking in [0, 1], float32 like u: ``cycles`` per body unit, its spacing varying by 15 % between individuals.

    Kinds: ``bars`` cross the u axis, ``stripes`` follow it, ``spots``, ``chevrons``, ``checks``, ``rings``, ``mottle`` and ``plain``.
    """
    if kind == "plain":
        return np.zeros_like(u)
    if kind == "mottle":
        return sharpen(fractal(draws, u.shape[0], max(4, round(cycles * 4)), 2), 0.1, 2.5)
    return PATTERNS[kind](u, v, math.tau * cycles * draws.real(0.87, 1.15), draws.real(0, math.tau))

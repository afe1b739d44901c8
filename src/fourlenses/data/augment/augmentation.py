"""A recipe: which random operations make a view, with what probability and how strong."""

from dataclasses import dataclass, fields
from typing import Self

from fourlenses.core.errors import UserError

OFF = {
    "crop_scale": (1.0, 1.0),
    "crop_ratio": (1.0, 1.0),
    "flip": 0.0,
    "jitter": None,
    "grey": 0.0,
    "blur": 0.0,
    "solarise": 0.0,
}


@dataclass(frozen=True)
class Augmentation:
    """The operations of SimCLR's appendix A, in the order in which they are applied; the defaults are its ImageNet recipe.

    Probabilities are per sample. ``crop_scale`` is a share of the image's area, ``crop_ratio`` width over height; ``jitter``
    holds the strengths of brightness, contrast, saturation (factors from [max(0, 1 - x), 1 + x]) and hue (turns, at most 0.5);
    ``blur_sigma`` is in pixels of the view. ``mean`` and ``std`` (one value a channel, of values in [0, 1]) come last.
    """

    crop_scale: tuple[float, float] = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: tuple[float, float, float, float] | None = (0.8, 0.8, 0.8, 0.2)
    jitter_probability: float = 0.8
    grey: float = 0.2
    blur: float = 0.5
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    solarise: float = 0.0
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    def __post_init__(self):
        for key in ("flip", "jitter_probability", "grey", "blur", "solarise"):
            if not 0 <= getattr(self, key) <= 1:
                raise UserError(f"{key} is a probability in [0, 1], not {getattr(self, key)!r}")
        for key in ("crop_scale", "crop_ratio", "blur_sigma"):
            bounds = getattr(self, key)
            if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1]:
                raise UserError(f"{key} is a pair 0 < low <= high, not {bounds!r}")
        if self.crop_scale[1] > 1:
            raise UserError(
                f"crop_scale is a share of the area, at most 1, not {self.crop_scale!r}"
            )
        if self.jitter is not None and (
            len(self.jitter) != 4 or min(self.jitter) < 0 or self.jitter[3] > 0.5
        ):
            raise UserError(
                f"jitter is four strengths of at least 0, the last (hue) at most 0.5, or null, not {self.jitter!r}"
            )
        if (self.mean is None) != (self.std is None):
            raise UserError("mean and std are given together or not at all")
        if self.std is not None and (
            len(self.std) != 3 or len(self.mean) != 3 or min(self.std) <= 0
        ):
            raise UserError(
                f"mean and std are three values each, std above 0, not {self.mean!r} and {self.std!r}"
            )

    @classmethod
    def from_config(cls, name: str, settings: dict) -> Self:
        """The recipe called ``name`` of a config; an operation that is not set there is off."""
        allowed = [field.name for field in fields(cls)]
        for key in settings:
            if key not in allowed:
                raise UserError(
                    f"recipe {name!r}: unknown key {key!r}; allowed: {', '.join(allowed)}"
                )
        try:
            return cls(
                **OFF
                | {
                    key: tuple(value) if isinstance(value, list) else value
                    for key, value in settings.items()
                }
            )
        except (TypeError, ValueError) as error:
            raise UserError(f"recipe {name!r}: {error}") from error

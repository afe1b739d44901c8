"""An augmentation: the random operations that make a view, their probabilities and strengths."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from fourlenses.core.errors import UserError

LEAST_SIZE = 8  # px, of a view
OFF: dict[str, Any] = {
    "crop_scale": (1.0, 1.0),
    "crop_ratio": (1.0, 1.0),
    "flip": 0.0,
    "jitter": None,
    "grey": 0.0,
    "blur": 0.0,
    "solarise": 0.0,
}


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """The operations of SimCLR's appendix A (https://arxiv.org/abs/2002.05709), in order.

    The defaults are its ImageNet augmentation. Probabilities are per sample.

    Attributes:
        crop_scale: Least and largest share of the image's area.
        crop_ratio: Least and largest width over height.
        flip: Probability of mirroring left to right.
        jitter: Strengths of brightness, contrast, saturation (factors from [max(0, 1 - x), 1 + x])
            and hue (turns, at most 0.5); None for no jitter.
        jitter_probability: Of all four together.
        grey: Probability of losing all colour.
        blur: Probability of a Gaussian blur.
        blur_sigma: Least and largest standard deviation, in pixels of the view.
        solarise: Probability of inverting what is at least 1/2.
        mean: Of each channel, of values in [0, 1]; subtracted last. None with ``std``.
        std: Of each channel; divided by last.
        size: Of the view: px (a whole number), or a share of the images' size (below 1); None:
            that of the images.

    Raises:
        UserError: A value is out of range.
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
    size: float | None = None

    def __post_init__(self) -> None:
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
                "jitter is four strengths of at least 0, the last (hue) at most 0.5, or null, not "
                f"{self.jitter!r}"
            )
        if self.size is not None and not (0 < self.size < 1 or _is_pixels(self.size)):
            raise UserError(
                f"size is a whole number of at least {LEAST_SIZE} px, or a share of image_size "
                f"below 1, not {self.size!r}"
            )
        if (self.mean is None) != (self.std is None):
            raise UserError("mean and std are given together or not at all")
        if self.mean is None or self.std is None:
            return
        if len(self.std) != 3 or len(self.mean) != 3 or min(self.std) <= 0:
            raise UserError(
                "mean and std are three values each, std above 0, not "
                f"{self.mean!r} and {self.std!r}"
            )

    def size_of(self, image_size: int) -> int:
        """Return the side of a view, px, of images of ``image_size`` px."""
        if self.size is None:
            return image_size
        return round(self.size * image_size) if self.size < 1 else int(self.size)

    def at_share(self, share: float, image_size: int) -> Self:
        """Return the augmentation with views of a share of their size, to the whole pixel.

        The blur is in pixels of the view, so a smaller view is blurred more.
        """
        return replace(self, size=round(share * self.size_of(image_size)))

    @classmethod
    def from_config(cls, name: str, settings: dict) -> Self:
        """Return the augmentation called ``name`` of a config.

        An operation that is not set there is off.

        Raises:
            UserError: A key is unknown or a value out of range.
        """
        allowed = [field.name for field in fields(cls)]
        for key in settings:
            if key not in allowed:
                raise UserError(
                    f"augmentation {name!r}: unknown key {key!r}; allowed: {', '.join(allowed)}"
                )
        values = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in settings.items()
        }
        try:
            return cls(**OFF | values)
        except (TypeError, ValueError) as error:
            raise UserError(f"augmentation {name!r}: {error}") from error


def _is_pixels(size: float) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and size >= LEAST_SIZE

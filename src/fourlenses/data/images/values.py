"""From the values that an instrument stored to 8-bit colours, by a rule that the config states.

`range` maps two values, the same in all images, to black and white; `percentiles` two percentiles
of each image. `bands` names the bands, counted from 1, that become red, green and blue, or grey.
"""

import functools
from dataclasses import dataclass
from typing import Self

import numpy as np

from fourlenses.data.images import decode
from fourlenses.data.images.content import ImageContent, LazyImage, Undecodable
from fourlenses.data.images.tiff import is_tiff, pages_of, read_samples

_WIDE_PNG = (2, 6)  # colour types of a PNG that Pillow cuts to 8 bits


@dataclass(frozen=True, kw_only=True)
class ValueRule:
    """How stored values become colours.

    Attributes:
        bands: One for grey or three for red, green and blue, counted from 1; None: all of one or
            three.
        range: Values that become black and white.
        percentiles: Of an image's values in its bands together, in place of ``range``.
    """

    bands: tuple[int, ...] | None = None
    range: tuple[float, float] | None = None
    percentiles: tuple[float, float] | None = None

    @classmethod
    def of(cls, definition: dict) -> Self | None:
        """Return the rule of a dataset's entry; None where it states none."""
        keys = {
            key: tuple(definition[key])
            for key in ("bands", "range", "percentiles")
            if key in definition
        }
        return cls(**keys) if keys else None

    def applied_to(self, image: LazyImage) -> LazyImage:
        """Return an image by this rule, read and rendered when a thread asks for it."""
        return functools.partial(self._rendered, image)

    def _rendered(self, image: LazyImage) -> ImageContent:
        if callable(image):
            image = image()
        if not isinstance(image, bytes):
            return image
        try:
            colours = self.render(samples_of(image))
            # as scanners store films: what is small is bright
            dark_is_large = is_tiff(image) and pages_of(image)[0].zero_is_white
            return 255 - colours if dark_is_large else colours
        except Undecodable as error:
            return error

    def render(self, samples: np.ndarray) -> np.ndarray:
        """Return colours, uint8 (height, width, 3).

        Args:
            samples: (height, width, bands), as stored; nan where there is no value, which is black.

        Raises:
            Undecodable: There is no such band, or no rule for such values.
        """
        count = samples.shape[2]
        bands = self.bands or tuple(range(1, count + 1))
        if len(bands) not in (1, 3):
            raise Undecodable(f"{count} bands; set 'bands' to the one or three to use")
        if max(bands) > count:
            raise Undecodable(f"'bands' names band {max(bands)}, but there are {count}")
        chosen = samples[:, :, [band - 1 for band in bands]]
        return np.broadcast_to(self._scaled(chosen), (*chosen.shape[:2], 3)).copy()

    def _scaled(self, chosen: np.ndarray) -> np.ndarray:
        low_high = self.range
        values = chosen.astype(np.float64)
        if self.percentiles is not None:
            known = values[np.isfinite(values)]
            low_high = tuple(np.percentile(known, self.percentiles)) if known.size else (0.0, 1.0)
        if low_high is None:
            if chosen.dtype == np.uint8:
                return chosen
            if chosen.dtype == np.uint16:
                return (chosen >> 8).astype(np.uint8)
            raise Undecodable(f"values of type {chosen.dtype}; set 'range' or 'percentiles'")
        low, high = low_high
        if high <= low:  # an image of one value
            return np.zeros(chosen.shape, np.uint8)
        share = np.nan_to_num((values - low) / (high - low), nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(255 * share.clip(0, 1)).astype(np.uint8)


def samples_of(data: bytes) -> np.ndarray:
    """Return the values of an image file as stored, (height, width, bands).

    Raises:
        Undecodable: It is no image, or one whose values no reader here gives.
    """
    if is_tiff(data):
        return read_samples(data)
    # bit depth and colour type of a PNG's header
    if data[:4] == b"\x89PNG" and data[24:25] == b"\x10" and data[25] in _WIDE_PNG:
        raise Undecodable("a PNG of 16 bits a colour, of which 8 are read; save it as TIFF")
    try:
        with decode.open_picture(data) as image:
            if image.mode in ("P", "CMYK", "YCbCr", "1", "PA"):
                return np.asarray(decode.decode(data))
            values = np.asarray(image)
    except Undecodable:
        raise
    except Exception as error:  # Pillow's readers raise what they like on bad input
        raise Undecodable(decode.reason_of(error, data)) from None
    return values if values.ndim == 3 else values[:, :, None]

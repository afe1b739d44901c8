"""How large images are before an encoder sees their centre. Standard library only."""

import math

BILINEAR, BICUBIC = "bilinear", "bicubic"
INTERPOLATIONS = (BILINEAR, BICUBIC)  # how images are scaled, both antialiased


def resized(image_size: int, crop: float) -> int:
    """Return the px that the shorter side is scaled to, before the centre is cut out.

    Rounded down, as in timm (224 px at 0.9: 248).

    Args:
        image_size: px, side of the centre.
        crop: share of the shorter side that it is, above 0 and at most 1.
    """
    return math.floor(image_size / crop + 1e-6)

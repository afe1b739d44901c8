"""Draw corruptions.png: a synthetic image, clean and under each severity of each corruption.

    python docs/reference/corruptions.py

tests/docs/test_reference_pictures.py holds the picture to the code that corrupts.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fourlenses.data import synthetic
from fourlenses.data.conversion.corruptions import corrupt
from fourlenses.study.corruptions import CORRUPTION_FAMILIES

PICTURE = Path(__file__).with_name("corruptions.png")
SIDE = 96  # px of the stored image
GAP, LEFT, ABOVE = 6, 116, 20  # px
IMAGE_ID = 8  # of the species with seed 0


def cells() -> dict[tuple[str, int], np.ndarray]:
    """Return the image of each family and severity; severity 0 is the clean one.

    Returns:
        RGB, uint8, at most (`SIDE`, `SIDE`, 3).
    """
    clean = synthetic.draw("species", 0, IMAGE_ID, size=SIDE)
    return {
        (name, severity): corrupt(f"{name}_s{severity}", clean, IMAGE_ID) if severity else clean
        for name in CORRUPTION_FAMILIES
        for severity in range(6)
    }


def picture() -> Image.Image:
    """Return the whole picture: a row per family, a column per severity."""
    width = LEFT + 6 * (SIDE + GAP)
    page = Image.new("RGB", (width, ABOVE + len(CORRUPTION_FAMILIES) * (SIDE + GAP)), "white")
    drawing, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for severity in range(6):
        text = f"severity {severity}" if severity else "clean"
        drawing.text((LEFT + severity * (SIDE + GAP), 3), text, fill="black", font=font)
    for (name, severity), pixels in cells().items():
        row = list(CORRUPTION_FAMILIES).index(name)
        top = ABOVE + row * (SIDE + GAP)
        image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.NEAREST)
        page.paste(image, (LEFT + severity * (SIDE + GAP), top))
        if severity == 0:
            drawing.text((4, top + SIDE // 2), name.replace("_", " "), fill="black", font=font)
    return page


if __name__ == "__main__":
    picture().quantize(128).save(PICTURE, optimize=True)

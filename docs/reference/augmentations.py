"""Draw augmentations.png: a synthetic image, and views of it under each augmentation.

    python docs/reference/augmentations.py

tests/docs/test_reference_pictures.py holds the picture to the code that augments.
"""

from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image, ImageDraw, ImageFont

from fourlenses.data import synthetic
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation

ROOT = Path(__file__).parents[2]
PICTURE = Path(__file__).with_name("augmentations.png")
SIDE, CELL = 96, 64  # px of the stored image, and of a view
VIEWS = 7
GAP, LEFT, ABOVE = 4, 130, 20  # px
IMAGE_ID = 8  # of the species with seed 0


def presets() -> dict[str, dict]:
    """Return the augmentations of presets/augmentations.yaml."""
    return yaml.safe_load((ROOT / "presets" / "augmentations.yaml").read_text(encoding="utf-8"))


def clean() -> np.ndarray:
    """Return the image, uint8 (`SIDE`, `SIDE`, 3)."""
    return synthetic.draw("species", 0, IMAGE_ID, size=SIDE)


def views(name: str) -> np.ndarray:
    """Return views of the image under an augmentation: uint8 (`VIEWS`, `CELL`, `CELL`, 3).

    Without normalisation, which no eye can see.
    """
    settings = {key: value for key, value in presets()[name].items() if key not in ("mean", "std")}
    augment = Augment(Augmentation.from_config(name, settings), CELL, seed=0)
    images = torch.from_numpy(clean()).permute(2, 0, 1)[None].repeat(VIEWS, 1, 1, 1)
    made = augment(images, np.arange(VIEWS, dtype=np.uint64), epoch=0, view=0)
    return (made * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def picture() -> Image.Image:
    """Return the whole picture: a row per augmentation, the clean image first."""
    names = list(presets())
    step = CELL + GAP
    page = Image.new("RGB", (LEFT + (VIEWS + 1) * step, ABOVE + len(names) * step), "white")
    drawing, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for column, text in ((0, "clean"), (1, "views")):
        drawing.text((LEFT + column * step, 3), text, fill="black", font=font)
    small = Image.fromarray(clean()).resize((CELL, CELL), Image.Resampling.LANCZOS)
    for row, name in enumerate(names):
        top = ABOVE + row * step
        drawing.text((4, top + CELL // 2 - 6), name.replace("_", " "), fill="black", font=font)
        page.paste(small, (LEFT, top))
        for column, view in enumerate(views(name), 1):
            page.paste(Image.fromarray(view), (LEFT + column * step, top))
    return page


if __name__ == "__main__":
    picture().quantize(128).save(PICTURE, optimize=True)

"""Make the pictures of README: report.png, and contact_sheet.png of drawn images.

    python docs/pictures/screenshots.py

The first screen of a committed report, as headless Chromium shows it, and the contact sheet of a
check of synthetic images. Chromium is looked for under its usual names; no test needs it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from fourlenses.check.check import CheckSettings, check_dataset
from fourlenses.data.dataset import index_dataset

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REPORT, WINDOW = ROOT / "results" / "real_quantity" / "report.html", (1400, 1200)
CUT = (850, 1150)  # px from the top between which the page is cut off, where it cuts no text
SHEET = HERE / "contact_sheet.png"
WIDTH, SHEET_HEIGHT, COLOURS = 980, 478, 128  # px of a picture, and of its palette
DEFINITION = {
    "source": "synthetic",
    "domain": "species",
    "train_images": 300,
    "test_images": 100,
    "seed": 2,
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def report_screenshot() -> Image.Image:
    """Return the first screen of the report, down to a gap between its texts.

    Raises:
        SystemExit: there is no Chromium.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed; install Chromium")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "report.png"
        options = ("--headless", "--no-sandbox", "--hide-scrollbars", "--disable-dev-shm-usage")
        size = f"--window-size={WINDOW[0]},{WINDOW[1]}"
        command = [browser, *options, size, f"--screenshot={picture}", REPORT.as_uri()]
        subprocess.run(command, check=True, capture_output=True)
        page = Image.open(picture).convert("RGB")
    return page.crop((0, 0, page.width, gap_in(np.asarray(page.convert("L")))))


def gap_in(page: np.ndarray) -> int:
    """Return the row in `CUT` that is the middle of its last wide gap: rows of fewest edges.

    Args:
        page: grey levels, (height, width).
    """
    edges = (np.abs(np.diff(page.astype(int), axis=1)) > 8).sum(1)[slice(*CUT)]
    quiet = np.flatnonzero(edges == edges.min())
    gaps = np.split(quiet, np.flatnonzero(np.diff(quiet) > 1) + 1)
    widest = max(len(gap) for gap in gaps)
    wide = [gap for gap in gaps if len(gap) >= min(widest, 8)]
    return CUT[0] + int(wide[-1].mean())


def contact_sheet() -> Image.Image:
    """Return the contact sheet of the check of a few synthetic images."""
    with tempfile.TemporaryDirectory() as folder:
        check_dataset(
            "species",
            DEFINITION,
            Path(folder),
            manifest=index_dataset("species", DEFINITION, Path(folder)),
            settings=CheckSettings(image_size=64, stored_size=64),
            folder=Path(folder) / "check",
            workers=1,
        )
        return Image.open(Path(folder) / "check" / "contact_sheet.png").convert("RGB")


def small(picture: Image.Image, height: int | None = None) -> Image.Image:
    """Return a picture of README's width in few colours, cut off below ``height``."""
    high = round(picture.height * WIDTH / picture.width)
    scaled = picture.resize((WIDTH, high), Image.Resampling.LANCZOS)
    cut = scaled.crop((0, 0, WIDTH, min(high, height or high)))
    # few pixels are red or green: the median cut's palette would have none of these
    return cut.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)


if __name__ == "__main__":
    small(contact_sheet(), SHEET_HEIGHT).save(SHEET, optimize=True)
    small(report_screenshot()).save(HERE / "report.png", optimize=True)

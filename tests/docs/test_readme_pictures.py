"""README's drawn pictures are those of their programs, and what they name is there."""

import re
import runpy
from pathlib import Path

from PIL import Image

from fourlenses.check.sheet_layout import font

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"


def test_the_pipeline_is_drawn_from_the_names_of_files():
    names = runpy.run_path(str(PICTURES / "pipeline.py"))
    assert names["DRAWING"].read_text(encoding="utf-8") == names["draw"]()


def test_nothing_in_the_pipeline_leaves_its_box():
    """In DejaVu Sans, which is wider than most; a letter of 10.5 px mono has 6.33 px."""
    names = runpy.run_path(str(PICTURES / "pipeline.py"))
    room = names["BOX"][0] - 20
    for step in names["STEPS"]:
        assert max(map(font(13).getlength, step.lines)) <= room, step
        assert len(step.file) * 6.33 <= room, step


def test_readme_shows_each_picture_once_and_small():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]+]\((docs/pictures/[^)]+)\)", readme)
    pictures = [file for file in PICTURES.iterdir() if file.suffix in (".png", ".svg")]
    files = [file.relative_to(ROOT).as_posix() for file in pictures]
    assert sorted(shown) == sorted(files)
    for file in shown:
        assert (ROOT / file).stat().st_size < 200_000, file
        if file.endswith(".png"):
            assert Image.open(ROOT / file).width == 980

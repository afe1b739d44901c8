"""Draw pipeline.svg: what a study makes from images, step by step, and where it lies.

    python docs/pictures/pipeline.py

tests/docs/test_pipeline_picture.py compares the files it names with study/layout.py.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from fourlenses.study import layout

DRAWING = Path(__file__).with_name("pipeline.svg")
BOX, GAP, MARGIN, STOREY = (230, 96), 20, 2, 36  # px
IN_A_ROW = 4
STYLE = """
text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }
.name { font-weight: 600; font-size: 15px; } .file { font: 10.5px monospace; fill: #57606a; }
.box { fill: #f6f8fa; stroke: #8c959f; } .last .box { fill: #ddf4ff; stroke: #0969da; }
.arrow { fill: none; stroke: #57606a; stroke-width: 1.6; } .head { fill: #57606a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .file { fill: #9198a1; } .box { fill: #161b22; stroke: #656c76; }
  .last .box { fill: #0c2d4d; stroke: #4493f8; }
  .arrow { stroke: #9198a1; } .head { fill: #9198a1; }
}
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A box: its name, two lines on it, and a file or folder of a study."""

    name: str
    lines: tuple[str, str]
    file: str


FILES = layout.Layout("<study>", "<px>")
STEPS = (
    Step(name="Images", lines=("folders, archives, lists,", "tables, downloads"), file="yours"),
    Step(
        name="Manifest",
        lines=("a row per image: path, split,", "labels at every level"),
        file=layout.manifest("<dataset>"),
    ),
    Step(
        name="Betons",
        lines=("every image once, at one size,", "clean and corrupted"),
        file=FILES.beton("<dataset>"),
    ),
    Step(
        name="Subsets",
        lines=("nested: 1,000 are among", "the 4,000; drawn by a seed"),
        file=FILES.subset("<dataset>", "<n>", "<k>").replace(FILES.stored("<dataset>"), "…"),
    ),
    Step(
        name="Encoders",
        lines=("one per method, source, seed;", "downloaded ones too"),
        file=FILES.encoder("…").replace(FILES.results, "…"),
    ),
    Step(
        name="Evaluations",
        lines=("linear, nearest neighbours,", "fine-tuned, from scratch"),
        file=FILES.evaluation("…/" + layout.PREDICTIONS).replace(FILES.results, "…"),
    ),
    Step(name="Table", lines=("one row per number,", "with its interval"), file=FILES.metrics),
    Step(
        name="Answers",
        lines=("figures, findings, decision", "cards, one report"),
        file=FILES.report,
    ),
)


def corner(place: int) -> tuple[int, int]:
    """Return the upper left corner of a step's box."""
    row, column = divmod(place, IN_A_ROW)
    return MARGIN + column * (BOX[0] + GAP), MARGIN + row * (BOX[1] + STOREY)


def draw() -> str:
    """Return the drawing as SVG."""
    rows = -(-len(STEPS) // IN_A_ROW)
    width = 2 * MARGIN + IN_A_ROW * BOX[0] + (IN_A_ROW - 1) * GAP
    height = 2 * MARGIN + rows * BOX[1] + (rows - 1) * STOREY
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(in_words())}">',
        f"<style>{STYLE}</style>",
        *(box(place, step) for place, step in enumerate(STEPS)),
        *(arrow(place) for place in range(len(STEPS) - 1)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def in_words() -> str:
    return "From images to answers: " + ", ".join(step.name.lower() for step in STEPS)


def box(place: int, step: Step) -> str:
    left, top = corner(place)
    kind = ' class="last"' if place == len(STEPS) - 1 else ""
    texts = [
        f'<text class="name" x="{left + 10}" y="{top + 24}">{place + 1} {escape(step.name)}</text>',
        *(
            f'<text x="{left + 10}" y="{top + 44 + 17 * number}">{escape(line)}</text>'
            for number, line in enumerate(step.lines)
        ),
        f'<text class="file" x="{left + 10}" y="{top + 84}">{escape(step.file)}</text>',
    ]
    frame = f'<rect class="box" x="{left}" y="{top}" width="{BOX[0]}" height="{BOX[1]}" rx="8"/>'
    return f"<g{kind}>{frame}{''.join(texts)}</g>"


def arrow(place: int) -> str:
    """From a box to the next one; from the end of a row to the start of the one below."""
    (left, top), (onto, below) = corner(place), corner(place + 1)
    if top == below:
        start, end, y = left + BOX[0], onto - 2, top + BOX[1] // 2
        line = f"M{start} {y}H{end - 6}"
        head = f"M{end - 8} {y - 5}L{end} {y}L{end - 8} {y + 5}Z"
    else:
        x, target, middle = left + BOX[0] // 2, onto + BOX[0] // 2, below - STOREY // 2
        line = f"M{x} {top + BOX[1]}V{middle}H{target}V{below - 8}"
        head = f"M{target - 5} {below - 10}L{target} {below - 2}L{target + 5} {below - 10}Z"
    return f'<path class="arrow" d="{line}"/><path class="head" d="{head}"/>'


if __name__ == "__main__":
    DRAWING.write_text(draw(), encoding="utf-8")

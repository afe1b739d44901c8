"""Draw rules.svg: which rule reads what which other makes.

    python docs/reference/rules.py

The graph is Snakemake's own (`snakemake all --rulegraph`) of the default study. An arrow that
follows from others is left out. tests/docs/test_rule_graph.py compares the picture with the rules.
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import floors

ROOT = Path(__file__).parents[2]
DRAWING = Path(__file__).with_name("rules.svg")


def needs() -> dict[str, set[str]]:
    """Return what each rule of the default study needs, by Snakemake."""
    snakemake = Path(sys.executable).with_name("snakemake")
    graph = subprocess.run(
        [snakemake, "all", "--rulegraph", "mermaid-js", "--cores", "1", "--directory", ROOT],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    found: dict[str, set[str]] = {name: set() for name in names.values()}
    for source, target in re.findall(r"(id\d+) --> (id\d+)", graph):
        found[names[target]].add(names[source])
    return found


def drawing() -> str:
    """Return the picture as SVG: what is made first stands highest."""
    needed = needs()
    leads = {name: {user for user, uses in needed.items() if name in uses} for name in needed}

    def text(name: str, x: float, y: float) -> str:
        return (
            f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle" fill="#1d2b44">{name}</text>'
        )

    return floors.draw(dict(sorted(leads.items())), text)


if __name__ == "__main__":
    DRAWING.write_text(drawing(), encoding="utf-8")
    print(f"wrote {DRAWING.relative_to(ROOT)}")

"""Draw which rule needs which, into docs/guide/workflows.md, as GitHub draws it (Mermaid).

    python docs/reference/rules.py

The graph is Snakemake's own (`snakemake all --rulegraph`) of the default study. An arrow that
follows from others is left out. tests/docs/test_rule_graph.py compares the page with the rules.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "workflows.md"
BLOCK = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


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


def without_implied(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph without arrows that follow from others."""

    def reached(name: str) -> set[str]:
        return graph[name].union(*map(reached, graph[name]))

    return {
        name: targets - set().union(*(reached(target) for target in targets))
        for name, targets in graph.items()
    }


def drawing() -> str:
    """Return the graph in Mermaid's language."""
    lines = [
        f"    {source} --> {target}"
        for target, sources in sorted(without_implied(needs()).items())
        for source in sorted(sources)
    ]
    return "\n".join(["flowchart LR", *lines, ""])


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: drawing(), text, count=1), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")

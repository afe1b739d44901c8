"""Where the ImageNet classes stand in WordNet: one path from the root `entity` to each class.

WordNet is no tree: 75 of the 1860 synsets have several parents, and 304 of the 1000 classes several paths from the root. Of these the path
is kept whose names, read from the root, come first in the alphabet: that of a depth-first walk from the root which visits children
by name and each synset once. A synset so has one parent, and levels are nested. The paper does not say which rule it used; of the rules
tried this one comes nearest to its numbers of labels (see docs/reference/datasets.md).
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

IMAGENET = Path(__file__).parents[2] / "reference" / "hierarchies" / "imagenet.csv"
ROOT = "n00001740"  # entity


@dataclass(frozen=True)
class WordNet:
    """parents: of every synset. names: its first word. numbers: per class its ILSVRC2012_ID, 1 to 1000."""

    parents: dict[str, list[str]]
    names: dict[str, str]
    numbers: dict[str, int]

    @cached_property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Per class the synsets from the root to itself, both included."""
        kept: dict[str, tuple[str, ...]] = {ROOT: (ROOT,)}

        def path(wnid: str) -> tuple[str, ...]:
            if wnid not in kept:
                ways = [(*path(parent), wnid) for parent in self.parents[wnid]]
                # the wnid decides between two synsets of one name
                kept[wnid] = min(ways, key=lambda way: [(self.names[at].lower(), at) for at in way])
            return kept[wnid]

        return {wnid: path(wnid) for wnid in self.numbers}

    @cached_property
    def depth(self) -> int:
        """Of the deepest class; the root's is 0."""
        return max(map(len, self.paths.values())) - 1

    def label(self, wnid: str, depth: int) -> str:
        """A class's ancestor at a depth; a class no deeper than that keeps its own label (Cole et al. 2022, section 4.4)."""
        path = self.paths[wnid]
        return path[min(depth, len(path) - 1)]


def read_wordnet(file: Path = IMAGENET) -> WordNet:
    with open(file, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return WordNet(
        parents={row["wnid"]: row["parents"].split("|") for row in rows},
        names={row["wnid"]: row["name"] for row in rows},
        numbers={row["wnid"]: int(row["ilsvrc2012_id"]) for row in rows if row["ilsvrc2012_id"]},
    )

"""confusion_matrices.csv: what the test images of each label are taken for, at every label level.

A prediction counts at a coarser level as the label of the predicted class there
(`metrics.label_levels`). Levels of many labels are left out: the most confused pairs say more of
them than a matrix.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from fourlenses.core.errors import printable
from fourlenses.data.manifest.manifest import Hierarchy

MOST_LABELS = 24  # of a level whose matrix is kept
COLUMNS = ("level", "level_depth", "class", "taken_for", "n_test", "share")


def rows(
    pairs: Mapping[int, int], classes: Sequence[str], runs: int, *, hierarchy: Hierarchy
) -> Iterator[tuple]:
    """Yield `COLUMNS` of each pair of labels that occurs, from coarse to fine.

    Args:
        pairs: true class x K + predicted class -> how many test images, summed over runs.
        classes: the K finest ones.
        runs: seeds and draws.
        hierarchy: of the dataset. Nothing is yielded where its classes are others.
    """
    if list(hierarchy.classes[-1]) != list(classes):
        return
    for depth, (level, names) in enumerate(zip(hierarchy.names, hierarchy.classes, strict=True)):
        if not 2 <= len(names) <= MOST_LABELS:
            continue
        labels = hierarchy.table[:, depth]
        counts: dict[tuple[int, int], int] = defaultdict(int)
        tests: dict[int, int] = defaultdict(int)
        for pair, count in pairs.items():
            true, predicted = (int(labels[place]) for place in divmod(pair, len(classes)))
            counts[true, predicted] += count
            tests[true] += count
        for (true, predicted), count in sorted(counts.items()):
            share = f"{100 * count / tests[true]:.1f}"
            of_pair = printable(names[true]), printable(names[predicted])
            yield (level, depth, *of_pair, tests[true] // runs, share)

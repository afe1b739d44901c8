"""Near duplicates: pictures resized, recompressed, turned grey or slightly cropped.

They are found without comparing all with all. Two pictures are near when at most ``BITS`` of their
128 bits differ (`fingerprint.bits_of`) and their grey pictures, each minus its mean, differ by at
most ``DIFFERENCE`` of their contrast on average. The bits alone say what is brighter, not by how
much.

Both numbers were chosen on four real image sets. Recall for 500 images of each, in %:

    change                    flowers, Tiny-ImageNet, MiniPlaces    EuroSAT (little contrast)
    JPEG quality 50           99.6                                  91.5
    JPEG quality 20           97.2                                  67.4
    half the size             99.8                                  97.7
    grey                      100                                   99.0
    2 % cut from every side   93.8                                  89.5

With 4 % cut from every side hardly any are found. Among the 56,541 images of the four sets there
are 12 groups; all 12 were inspected, and each is a single photograph. Pictures with hardly any
contrast are left out: their bits are noise. By hand, not imagehash, which has neither the second
condition nor a search that is faster than all pairs.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BITS = 10
DIFFERENCE = 0.15
# Standard deviation of the 81 grey levels (of 255) below which a picture is too flat to compare.
CONTRAST = 4.0
# Of 13 bands of bits, 10 differing bits leave at least 3 equal (pigeonhole): pictures are looked up
# by every three bands, 30 bits. Fewer bands would make keys that millions of pictures share by
# chance.
EQUAL = 3
BANDS = BITS + EQUAL
PAIRS_AT_ONCE = 1 << 20


def is_flat(grey: np.ndarray) -> np.ndarray:
    """Return bool (N,): which of grey pictures uint8 (N, 81) are too flat to be compared."""
    return grey.std(axis=1, dtype=np.float32) < CONTRAST


def near_components(bits: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Return int64 (N,): the number of each picture's component, where near ones are joined.

    Neither the order of the pictures nor the size of a component changes what is joined.

    Args:
        bits: uint64 (N, 2).
        grey: uint8 (N, 81); none of them flat.
    """
    component, none = np.arange(len(bits)), np.empty((0, 2), np.int64)
    joined = [none]
    for key in _keys(bits):
        for first, second in _equal(key, component):
            # of a thousand frames of a scene, a thousand pairs join them all; the half million
            # others need not be compared
            apart = component[first] != component[second]
            pair = np.stack([first[apart], second[apart]], axis=1)
            pair = pair[np.bitwise_count(bits[pair[:, 0]] ^ bits[pair[:, 1]]).sum(axis=1) <= BITS]
            pair = pair[difference(grey[pair[:, 0]], grey[pair[:, 1]]) <= DIFFERENCE]
            if len(pair):
                joined.append(component[pair])
            if sum(map(len, joined)) > PAIRS_AT_ONCE:
                component, joined = join(component, np.concatenate(joined)), [none]
        if len(joined) > 1:
            component, joined = join(component, np.concatenate(joined)), [none]
    return component


def join(component: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the components, int64 (N,), after joining the two of each edge (edges, 2)."""
    count = int(component.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(edges), bool), tuple(edges.T)), shape=(count, count))
    return connected_components(graph, directed=False)[1][component].astype(np.int64)


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the mean absolute difference of grey pictures minus their means.

    Args:
        first: uint8 (N, 81).
        second: uint8 (N, 81).

    Returns:
        float32 (N,), as a share of the larger contrast of each pair.
    """
    first, second = (
        grey.astype(np.float32) - grey.mean(axis=1, keepdims=True, dtype=np.float32)
        for grey in (first, second)
    )
    contrast = np.maximum(first.std(axis=1), second.std(axis=1))
    return np.abs(first - second).mean(axis=1) / np.maximum(contrast, 1e-6)


def _keys(bits: np.ndarray) -> Iterator[np.ndarray]:
    """Yield for every choice of bands those bits of every picture as a number: uint32 (N,)."""
    edges = np.linspace(0, 128, BANDS + 1).round().astype(int)
    spread = np.unpackbits(bits.view(np.uint8), axis=1)
    bands = [_number(spread[:, start:end]) for start, end in itertools.pairwise(edges)]
    for first, second, third in itertools.combinations(bands, EQUAL):
        yield (first << 20) | (second << 10) | third


def _number(digits: np.ndarray) -> np.ndarray:
    """Return uint32 (N,) of the bits uint8 (N, at most 10)."""
    number = np.zeros(len(digits), np.uint32)
    for column in digits.T:
        number = (number << 1) | column
    return number


def _equal(key: np.ndarray, component: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield all pairs of positions with equal keys, about `PAIRS_AT_ONCE` at a time.

    When sorted, equal keys are neighbours: the pairs are those at distance 1, those at distance 2
    and so on, until no two that far apart are equal. Keys whose positions are in a single component
    already, as those of a crowd soon are, are left out: there is nothing to join.
    """
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    begins = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    first = np.flatnonzero(begins)
    least, most = (
        extreme.reduceat(component[order], first) if len(first) else first
        for extreme in (np.minimum, np.maximum)
    )
    several = (least != most)[np.cumsum(begins) - 1]
    # positions that are followed by an equal one
    start = np.flatnonzero((ordered[1:] == ordered[:-1]) & several[:-1])
    step = 1
    while len(start):
        for part in np.array_split(start, -(-len(start) // PAIRS_AT_ONCE)):
            yield order[part], order[part + step]
        step += 1
        start = start[start + step < len(ordered)]
        start = start[ordered[start] == ordered[start + step]]

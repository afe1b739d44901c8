"""Counter-based randomness: a draw is a pure function of a named seed and of its counters.

Nothing here has state, so a draw does not depend on the number of workers, on the order of batches
or on where a run was interrupted. The mixing function is the finaliser of SplitMix64 (Steele, Lea,
Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014,
https://doi.org/10.1145/2660193.2660195).
"""

import hashlib
from collections.abc import Sequence

import numpy as np

_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def named_seed(seed: int, *names: object) -> int:
    """Return a 64-bit seed for a named stream, for example ``named_seed(0, "views")``.

    Streams of different names are independent.
    """
    text = "\x1f".join([str(int(seed)), *map(str, names)])
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "little")


def mix(*counters: int | np.ndarray) -> np.ndarray:
    """Hash broadcastable integer counters (modulo 2**64) to uint64, of their common shape."""
    state = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for counter in counters:
            if isinstance(counter, int):
                counter = counter & 0xFFFFFFFFFFFFFFFF
            state = (state ^ np.asarray(counter).astype(np.uint64)) + _GAMMA
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(*counters: int | np.ndarray, draws: int) -> np.ndarray:
    """Return uniform float64 in [0, 1), one row of draws per counter value.

    Args:
        counters: Broadcastable integers.
        draws: Numbers in a row; the shape is ``(*shape of the counters, draws)``.
    """
    keys = mix(*counters)
    bits = mix(keys[..., None], np.arange(draws, dtype=np.uint64))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(count: int, *counters: int) -> np.ndarray:
    """Return a permutation of ``range(count)`` (int64), a function of the counters alone."""
    return np.argsort(mix(*counters, np.arange(count, dtype=np.uint64)), kind="stable")


def string_ids(names: Sequence[str]) -> np.ndarray:
    """Stable uint64 ids of strings (the first 8 bytes of their SHA-256)."""
    digest = b"".join(
        hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:8] for name in names
    )
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)

"""Several answers at once: Holm's step-down correction."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values, each at most 1.

    With all hypotheses below a level rejected, the chance that any true one is among them is at
    most that level (Holm 1979, https://www.jstor.org/stable/4615733).
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted

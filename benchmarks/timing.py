"""Rates measured side by side: every contestant gets a turn in every round, so that a machine's moods hit all of them alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """Units per second of one contestant, a value a round."""

    name: str
    values: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def race(contestants: dict[str, Callable[[], int]], rounds: int, seconds: float) -> list[Rates]:
    """Rates of functions that each do some work and return how many units they did; called for about ``seconds`` a turn.

    Each has one turn beforehand that does not count: compilers, caches and worker processes start in it.
    """
    for work in contestants.values():
        work()
    values: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            units, began = 0, time.perf_counter()
            while not units or time.perf_counter() - began < seconds:
                units += work()
            values[name].append(units / (time.perf_counter() - began))
    return [Rates(name, rates) for name, rates in values.items()]


def ratios(ours: Rates, peer: Rates) -> tuple[float, float, float]:
    """Median, least and greatest ratio of two contestants over the rounds."""
    each = [own / other for own, other in zip(ours.values, peer.values, strict=True)]
    return statistics.median(each), min(each), max(each)


def rows(title: str, unit: str, results: list[Rates], bars: dict[str, float]) -> list[dict]:
    """One row a contestant, the first being ours: its median rate; for the others ours over it, with the spread and the bar."""
    ours = results[0]
    table = []
    for rates in results:
        row = {"what": title, "who": rates.name, "unit": unit, "rate": rates.median, "rates": rates.values}
        if rates is not ours:
            middle, least, most = ratios(ours, rates)
            row |= {"ours_over_it": middle, "least": least, "most": most, "bar": bars.get(rates.name)}
        table.append(row)
    return table

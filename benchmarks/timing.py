"""Rates of contestants that take turns.

Every contestant gets a turn in every round, so that a machine's moods hit all of them alike.
"""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
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
    """Return the rates of functions that do some work and return how many units they did.

    Each is called for about ``seconds`` a turn, and has one turn beforehand that does not count:
    compilers, caches and worker processes start in it.
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
    each = [
        our_rate / peer_rate for our_rate, peer_rate in zip(ours.values, peer.values, strict=True)
    ]
    return statistics.median(each), min(each), max(each)


def rows(
    title: str, unit: str, results: list[Rates], *, bars: dict[str, float] | None = None
) -> list[dict]:
    """Return one row a contestant, the first being ours.

    Its median rate; for the others ours over it, with the spread and the bar.
    """
    ours = results[0]
    table = []
    for rates in results:
        row = {
            "what": title,
            "who": rates.name,
            "unit": unit,
            "rate": rates.median,
            "rates": rates.values,
        }
        if rates is not ours:
            middle, least, most = ratios(ours, rates)
            row |= {
                "ours_over_it": middle,
                "least": least,
                "most": most,
                "bar": (bars or {}).get(rates.name),
            }
        table.append(row)
    return table


def clock(contestants: dict[str, Callable[[], float]], rounds: int) -> list[Rates]:
    """Return the seconds (or what else it returns) of each contestant, a value a round."""
    values: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            values[name].append(work())
    return [Rates(name, each) for name, each in values.items()]


def durations(
    title: str, results: list[Rates], *, bars: dict[str, float] | None = None, unit: str = "s"
) -> list[dict]:
    """Return `rows` of quantities of which lower is better.

    Seconds, bytes. Ours over another is its value by ours: above 1 is better.
    """
    inverse = [Rates(each.name, [1 / value for value in each.values]) for each in results]
    table = rows(title, unit, inverse, bars=bars)
    return [
        row | {"rate": rates.median, "rates": rates.values, "less_is_better": True}
        for row, rates in zip(table, results, strict=True)
    ]


def bounded(row: dict, bound: float, what: str) -> dict:
    """Return a row with the machine's bound, in the row's unit, and the share of it reached."""
    share = bound / row["rate"] if row.get("less_is_better") else row["rate"] / bound
    return row | {"bound": bound, "bound_what": what, "share": share}


def chosen(results: list[Rates], *names: str) -> list[Rates]:
    """Some contestants of a race, in this order: several tables of one race."""
    by_name = {rates.name: rates for rates in results}
    return [by_name[name] for name in names]


def verdict(row: dict) -> str:
    """Return ``met``, ``MISSED``, or nothing where a row has no bar.

    ``bar`` is a least ratio, ``at_most`` a greatest value.
    """
    if row.get("bar"):
        return "met" if row["ours_over_it"] >= row["bar"] else "MISSED"
    if row.get("at_most"):
        return "met" if row["rate"] <= row["at_most"] else "MISSED"
    return ""


def ratio_words(row: dict) -> str:
    """Return `3.03x (3.02 to 3.05)`: the median ratio of a row, the least and the most."""
    return f"{row['ours_over_it']:.2f}x ({row['least']:.2f} to {row['most']:.2f})"


@contextlib.contextmanager
def compute_threads(count: int) -> Iterator[None]:
    """torch's compute threads for a while.

    Those who compute in the main process get as many as others have worker processes.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

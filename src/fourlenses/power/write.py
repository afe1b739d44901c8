"""What a study can settle, to read: a table of comparisons (power.csv) and a page (power.md)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fourlenses.core.files import atomic, write_csv
from fourlenses.findings.questions import HEADINGS
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.power.power import Expected, Power
from fourlenses.power.settle import LIKELY, MOST_SEEDS, MOST_TIMES

COLUMNS = (
    *("question", "target", "comparison", "unit", "half_width", "threshold", "expected"),
    *("expected_from", "to_resolve", "chance", "settled", "seeds", "seeds_needed"),
    *("test_images", "test_images_needed", "share_of_images", "excluded"),
)
NOTHING = "–"
CARD = "card: "


def write(power: Power, prefix: Path) -> None:
    """Write PREFIX.csv and PREFIX.md."""
    write_csv(prefix.with_suffix(".csv"), COLUMNS, map(_row, power.comparisons))
    with atomic(prefix.with_suffix(".md")) as temporary:
        temporary.write_text(page(power), encoding="utf-8")


def _row(one: Expected) -> list[object]:
    answer, spread = one.answer, one.spread
    return [
        *answer.key,
        answer.unit,
        f"{answer.half:.4f}",
        _cell(answer.threshold, "g"),
        f"{one.seen or 0.0:.4f}",
        "no difference" if one.seen is None else "pilot",
        _cell(one.distance, ".4f"),
        _cell(one.chance, ".3f"),
        "" if one.chance is None else "yes" if one.settled else "no",
        one.seeds,
        _cell(one.seeds_needed, "d"),
        one.tests,
        _cell(one.tests_needed, "d"),
        _cell(spread.share_of_images if spread else None, ".3f"),
        answer.excluded,
    ]


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def head(power: Power) -> list[str]:
    """Return paragraphs on what the study cannot settle, then on what it can."""
    asked = _by_question([one for one in power.comparisons if one.chance is not None])
    paragraphs = [_unknown(power.unknown)] if power.unknown else []
    if not asked:
        compared = "nothing is left to compare" if power.unknown else "it compares nothing"
        return [*paragraphs, f"Nothing is said of what the study can settle: {compared}."]
    fewest = min(one.seeds for group in asked.values() for one in group)
    if fewest < LEAST_SEEDS:
        paragraphs.append(
            f"**This study cannot settle anything**: it has {fewest} seed"
            f"{'s' if fewest > 1 else ''}, and with fewer than {LEAST_SEEDS} every answer leans."
        )
    if fewest >= LEAST_SEEDS:
        paragraphs += _lacking(asked)
    settled = [_name(question) for question, group in asked.items() if all(map(_settled, group))]
    if settled:
        paragraphs.append(f"It is likely to settle: {'; '.join(settled)}.")
    return paragraphs


def _settled(one: Expected) -> bool:
    return one.settled


def _impossible(one: Expected) -> bool:
    return not one.possible


def _unlikely(one: Expected) -> bool:
    return one.possible and not one.settled


def _lacking(asked: Mapping[str, list[Expected]]) -> Iterator[str]:
    """Paragraphs on what cannot be settled and on what may not be."""
    kinds = {
        "**This study cannot settle, as planned and at the difference asked for:**": _impossible,
        f"It may not settle, at that difference (chance 50 to {100 * LIKELY:.0f} %):": _unlikely,
    }
    for title, is_so in kinds.items():
        some = {question: list(filter(is_so, group)) for question, group in asked.items()}
        lines = [
            f"- {_name(question)}: {len(group)} of {_comparisons(len(asked[question]))}. "
            f"{_remedy(group)}"
            for question, group in some.items()
            if group
        ]
        if lines:
            yield "\n".join([title, "", *lines])


def _comparisons(count: int) -> str:
    return f"{count} comparison{'' if count == 1 else 's'}"


def _unknown(datasets: Sequence[str]) -> str:
    return (
        f"How many images {', '.join(datasets)} have is not known before they are indexed "
        "(snakemake betons), so comparisons with them are left out; a pilot with them "
        "(plan.pilot) says it too."
    )


def _name(question: str) -> str:
    """`another domain instead` of a card's question, a finding by its name."""
    if question.startswith(CARD):
        heading = HEADINGS[question.removeprefix(CARD)]
        return f"{heading[0].lower()}{heading[1:]} (card)"
    return f"finding {question}"


def _remedy(some: Sequence[Expected]) -> str:
    """The half-widths, and what would settle the comparisons."""
    excluded = sorted({one.answer.excluded for one in some if one.answer.excluded})
    open_ones = [one for one in some if not one.answer.excluded]
    parts = [f"{word[0].upper()}{word[1:]}." for word in excluded]
    if not open_ones:
        return " ".join(parts)
    widest = max(open_ones, key=lambda one: one.answer.half / (one.distance or 1e-9))
    unit, distance = widest.answer.unit, widest.distance or 0.0
    parts.append(
        f"Half-width ±{widest.answer.half:.1f} {unit}, asked for: {distance:.1f}; a larger "
        "difference may show."
    )
    ways = [way for way in (_seeds(open_ones), _tests(open_ones)) if way]
    if ways:
        parts.append(f"{' or '.join(ways)} would settle {'it' if len(some) == 1 else 'them'}.")
    else:
        parts.append(
            f"Neither {MOST_SEEDS} seeds nor {MOST_TIMES:g} times the test images would settle "
            f"{'it' if len(some) == 1 else 'all of them'}."
        )
    return " ".join(parts)


def _seeds(some: Sequence[Expected]) -> str:
    needed = [one.seeds_needed for one in some]
    known = [count for count in needed if count is not None]
    return f"{max(known)} seeds" if len(known) == len(needed) else ""


def _tests(some: Sequence[Expected]) -> str:
    needed = [one.tests_needed for one in some]
    known = [count for count in needed if count is not None]
    return f"{max(known):,} test images" if len(known) == len(needed) else ""


def _by_question(some: Sequence[Expected]) -> dict[str, list[Expected]]:
    groups: dict[str, list[Expected]] = {}
    for one in some:
        groups.setdefault(one.answer.key.question, []).append(one)
    return groups


def page(power: Power) -> str:
    """Return all of it as Markdown."""
    lines = [
        f"# What the study '{power.study}' can settle",
        "",
        *(line for paragraph in head(power) for line in (paragraph, "")),
        f"{power.assumed} A comparison counts as settled where the chance is "
        f"{100 * LIKELY:.0f} % or more that its interval ends before the threshold: "
        "docs/guide/plan.md.",
        "",
        *_tables(power.comparisons),
    ]
    return "\n".join(lines)


def _tables(comparisons: Sequence[Expected]) -> Iterator[str]:
    for question, group in _by_question(comparisons).items():
        yield from (f"## {_name(question)}", "")
        if not question.startswith(CARD):
            yield from (group[0].answer.question, "")
        yield "| target | comparison | half-width | to resolve | chance | seeds | test images |"
        yield "|---|---|---|---|---|---|---|"
        for one in group:
            yield _line(one)
        yield ""


def _line(one: Expected) -> str:
    answer = one.answer
    needed = [
        NOTHING if value is None or one.settled else f"{value:,}"
        for value in (one.seeds_needed, one.tests_needed)
    ]
    chance = NOTHING if one.chance is None else f"{100 * one.chance:.0f} %"
    tell = NOTHING if one.distance is None else f"{one.distance:.1f}"
    cells = [
        answer.key.target,
        answer.key.comparison,
        f"±{answer.half:.{2 if answer.unit == 'log-odds' else 1}f} {answer.unit}",
        tell + (f" ({answer.excluded})" if answer.excluded else ""),
        chance,
        f"{one.seeds}" + (f", needs {needed[0]}" if needed[0] != NOTHING else ""),
        f"{one.tests:,}" + (f", needs {needed[1]}" if needed[1] != NOTHING else ""),
    ]
    return f"| {' | '.join(cells)} |"

"""Values of a JSON record as blocks that the page can show, whatever their shape.

A block is a dict with ``kind``: heading (text), text (text), list (items), pairs (pairs of name and
text), table (table).
"""

import math

from fourlenses.report.tables import Table

DECIMALS = {"points": 1, "points per doubling": 1, "log-odds": 2}
UNITS = {"percent": " %", "points": " points", "fraction": "", None: "", "": ""}


def number(value: object) -> float | None:
    """Return a finite number, or None; true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def dicts(record: object) -> list[dict]:
    """Return the records of a list; nothing where it is no list."""
    items = record if isinstance(record, list) else []
    return [item for item in items if isinstance(item, dict)]


def text_of(entry: dict, key: str) -> str:
    """Return the text of a key, empty where there is none."""
    value = entry.get(key)
    return "" if value is None or isinstance(value, list | dict) else str(value)


def texts(value: object) -> list[str]:
    """Return the items of a list as texts."""
    return [str(item) for item in value] if isinstance(value, list) else []


def shown(value: object) -> str:
    """Return a value for a cell or a sentence: `4400` -> `4,400`, `3.14159` -> `3.142`, a list as
    its items."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if abs(value) >= 1000:
            return f"{value:,.0f}"
        return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value) or "–"
    if isinstance(value, dict):
        items = "; ".join(f"{words(key)} {shown(item)}" for key, item in value.items())
        return estimate(value) or items or "–"
    return str(value)


def estimate(value: dict) -> str | None:
    """Return `{estimate, low, high, unit}` as `+3.1 (+2.0 to +4.2) points`.

    None for a dict that is no estimate or has other keys.
    """
    if number(value.get("estimate")) is None or set(value) - {"estimate", "low", "high", "unit"}:
        return None
    return with_interval(value)


def with_interval(value: dict) -> str:
    """Return e.g. `+1.3 (+0.6 to +2.1) points`.

    With the decimals that findings and cards have; of another unit with as many as show two digits
    of the interval's half width.
    """
    middle, low, high = (number(value.get(key)) for key in ("estimate", "low", "high"))
    unit = value.get("unit")
    ending = UNITS.get(unit, f" {unit}") if isinstance(unit, str | None) else ""
    if middle is None or low is None or high is None:
        return f"{shown(value.get('estimate'))}{ending}"
    half = (high - low) / 2
    decimals = DECIMALS.get(unit) if isinstance(unit, str) else None
    if decimals is None:
        decimals = min(max(1 - math.floor(math.log10(half)), 0), 6) if half > 0 else 2
    # of the ends -0.0 stays: it is just below 0, as in findings and on cards
    middle, low, high = round(middle, decimals) + 0.0, round(low, decimals), round(high, decimals)
    sign = "+" if unit in DECIMALS else ""  # of differences, as on the cards
    form = f"{sign},.{decimals}f"
    return f"{middle:{form}} ({low:{form}} to {high:{form}}){ending}"


def words(name: object) -> str:
    """Return a key as words: `gap_to_supervised` -> `gap to supervised`."""
    return str(name).replace("_", " ")


def blocks(value: object) -> list[dict]:
    """Return the blocks of a record of any shape, to be read from top to bottom."""
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            return [{"kind": "table", "table": _table(value)}]
        if len(value) > 1:
            return [{"kind": "list", "items": [shown(item) for item in value]}]
        return _text(shown(value))
    if not isinstance(value, dict):
        return _text(shown(value))
    if number_shown := estimate(value):
        return _text(number_shown)
    simple = [(words(key), shown(item)) for key, item in value.items() if not _nested(item)]
    result = [{"kind": "pairs", "pairs": simple}] if simple else []
    for key, item in value.items():
        if _nested(item):
            result.append({"kind": "heading", "text": words(key)})
            result += _of_keyed(item) if isinstance(item, dict) else blocks(item)
    return result


def _text(text: str) -> list[dict]:
    return [{"kind": "text", "text": text}]


def _nested(value: object) -> bool:
    if isinstance(value, dict):
        return bool(value) and not estimate(value)
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _of_keyed(value: dict) -> list[dict]:
    """A dict of alike dicts (a row per key) is a table."""
    if value and all(isinstance(item, dict) and not estimate(item) for item in value.values()):
        rows = [{"": key, **item} for key, item in value.items()]
        return [{"kind": "table", "table": _table(rows)}]
    return blocks(value)


def _table(rows: list[dict]) -> Table:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Table.of(
        [words(column) for column in columns],
        [[shown(row.get(column, "")) for column in columns] for row in rows],
    )

"""How far two runs of the same rows agree: `<name>.json` and `again-<name>.json`."""

import json
from pathlib import Path

from timing import ratio_words


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Return each run of a folder that was made twice, with the second one, in order of names."""
    found = [(again.with_name(again.name[6:]), again) for again in folder.glob("again-*.json")]
    return sorted(pair for pair in found if pair[0].exists())


def table(first: Path, second: Path) -> str:
    """Return what two runs say of each ratio that both have, as a sentence and a table.

    Spreads overlap where neither one's least ratio is above the other's most. A ratio on another
    side of its bar in the second run is named.
    """
    contents = [json.loads(file.read_text(encoding="utf-8")) for file in (first, second)]
    ratios, again = map(_ratios, contents)
    loads = " and ".join(map(_load, contents))
    both = [key for key in ratios if key in again]
    rows, overlapping, crossed, apart = [], 0, [], 0.0
    for key in both:
        one, two = ratios[key], again[key]
        overlap = max(one["least"], two["least"]) <= min(one["most"], two["most"])
        overlapping += overlap
        values = one["ours_over_it"], two["ours_over_it"]
        apart = max(apart, max(values) / min(values) - 1)
        if (bar := one.get("bar")) and (values[0] >= bar) != (values[1] >= bar):
            crossed.append(f"{key[0]}, {key[1]} (bar {bar:g}x)")
        cells = [*key, *(ratio_words(each) for each in (one, two)), "yes" if overlap else "no"]
        rows.append(f"| {' | '.join(cells)} |")
    sides = (
        f"On another side of its bar the second time: {'; '.join(crossed)}."
        if crossed
        else "All that have a bar are on the same side of it both times."
    )
    return "\n".join(
        [
            f"`{first.name}` and `{second.name}`, load average {loads} before them. "
            f"Of {len(both)} ratios the spreads overlap in {overlapping}; medians lie "
            f"up to {apart:.0%} apart. {sides}",
            "",
            "| what | peer | first | second | spreads overlap |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _ratios(content: dict) -> dict[tuple[str, str], dict]:
    rows = (row for row in content["rows"] if row.get("ours_over_it") is not None)
    return {(row["what"], row["who"]): row for row in rows}


def _load(content: dict) -> str:
    load = content.get("machine", {}).get("load")
    return "unknown" if load is None else f"{load:g}"

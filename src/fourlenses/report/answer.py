"""What the report opens with: the answer in a sentence, what it rests on, and a tile per lens.

All tiles have one axis of points. Right of 0 is good for the option that a row names.
"""

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass

from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.report import values
from fourlenses.report.charts.scale import Axis
from fourlenses.report.charts.strip import Comparison, Strip, common_axis, strip
from fourlenses.report.decisions import ANSWERS, sense_of
from fourlenses.report.study_table import StudyTable
from fourlenses.study import names
from fourlenses.study.vocabulary import LENSES


@dataclass(frozen=True)
class Option:
    """A row of a tile: the comparisons that one question of the cards makes.

    Args:
        lens: of its tile.
        name: of the option; right of 0 is good for it.
        yes: what is said of comparisons above 0.
        no: of those below 0.
    """

    lens: str
    name: str
    _: KW_ONLY
    yes: str = "better"
    no: str = "worse"


# By the question of a card's line, in the order of the tiles.
OPTIONS = {
    "contest": Option("quantity", "Pretraining, not labels alone"),
    "doubling": Option(
        "quantity", "Twice the unlabelled images", yes="worth it", no="not worth it"
    ),
    "other_encoder": Option("domain", "Another domain's images instead"),
    "added": Option("domain", "Another domain's images added"),
    "pool": Option("domain", "Part of them of another domain"),
    "corruption": Option("quality", "Corrupted images"),
    "granularity": Option(
        "granularity", "Supervised's lead, on finer labels", yes="wider", no="narrower"
    ),
    "download_or_labels": Option("alternatives", "Downloaded encoder, not labels alone"),
    "downloaded": Option("alternatives", "Downloaded encoder, not your own"),
    "continued": Option("alternatives", "Continued on your images"),
    "continued_or_labels": Option("alternatives", "Continued encoder, not labels alone"),
    "continued_or_own": Option("alternatives", "Continued encoder, not your own"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a tile: the option, how its comparisons came out, and their dots."""

    name: str
    summary: str
    tone: str
    strip: Strip


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A lens with its rows; ``findings`` are what is said of the paper's claims."""

    lens: str
    rows: list[Row]
    findings: list[dict]


def tiles(
    cards: Sequence[dict], findings: Sequence[dict], asked: Iterable[str]
) -> tuple[list[Tile], Axis | None]:
    """Return a tile for each lens that has comparisons, and the axis of all.

    Args:
        cards: as from `read_decisions`.
        findings: as from `read_findings`.
        asked: lenses in the study's table.
    """
    found: dict[str, list[Comparison]] = {question: [] for question in OPTIONS}
    for card in cards:
        for line in card["lines"]:
            # lines of an earlier version do not say for whom the difference speaks
            if line.get("question") in found and "sense" in line:
                found[line["question"]] += _comparison(line, card["title"])
    found["granularity"] = _of_granularity(findings)
    axis = common_axis(list(found.values()))
    result = []
    for lens in [name for name in LENSES if name in {*asked}]:
        rows = [
            _row(option, found[question], axis)
            for question, option in OPTIONS.items()
            if option.lens == lens and found[question] and axis
        ]
        said = [one for one in findings if one["lens"] == lens and one["counts"]]
        if rows:
            result.append(Tile(lens=lens, rows=rows, findings=said))
    return result, axis


def _comparison(line: dict, title: str) -> list[Comparison]:
    ends = [values.number(line.get(key)) for key in ("estimate", "low", "high")]
    estimate, low, high = ends
    if estimate is None or low is None or high is None or line.get("unit") != "points":
        return []
    option = line.get("option") or line.get("subject") or ""
    labels = line.get("labelled_images")
    about = ", ".join(
        [title, *([str(option)] if option else [])]
        + ([f"{labels:,} labels"] if isinstance(labels, int) else [])
    )
    words = f"{about}: {estimate:+.1f} points [{low:+.1f}, {high:+.1f}], {line.get('answer')}"
    return [Comparison(estimate=estimate, low=low, high=high, tone=sense_of(line), words=words)]


def _of_granularity(findings: Sequence[dict]) -> list[Comparison]:
    """Of the finding's comparisons those in points that count."""
    result = []
    for finding in findings:
        if finding["lens"] != "granularity":
            continue
        for one in finding["comparisons"]:
            if one["unit"] == "points" and one["counts"]:
                end = one["low"] > 0, one["high"] < 0
                tone = "yes" if end[0] else "no" if end[1] else "open"
                words = f"{names.dataset(one['target'])}: {one['estimate']:+.1f} points "
                words += f"[{one['low']:+.1f}, {one['high']:+.1f}]"
                comparison = Comparison(
                    estimate=one["estimate"],
                    low=one["low"],
                    high=one["high"],
                    tone=tone,
                    words=words,
                )
                result.append(comparison)
    return result


def _row(option: Option, row: Sequence[Comparison], axis: Axis) -> Row:
    counts = {tone: sum(one.tone == tone for one in row) for tone in ("yes", "no", "level", "open")}
    words = {"yes": option.yes, "no": option.no, "level": "level", "open": "open"}
    said = [f"{words[tone]} in {count}" for tone, count in counts.items() if count]
    one = row[0]
    if len(row) == 1:
        summary = f"{words[one.tone]}, {one.estimate:+.1f} points"
    elif len(said) == 1:
        tone = next(tone for tone, count in counts.items() if count)
        summary = f"{words[tone]} in all {len(row)}"
    else:
        summary = f"{', '.join(said)} of {len(row)}"
    decided = [tone for tone in ("yes", "no", "level") if 2 * counts[tone] > len(row)]
    return Row(
        name=option.name,
        summary=summary,
        tone=decided[0] if decided else "open",
        strip=strip(row, axis),
    )


def headline(cards: Sequence[dict], found: Sequence[Tile]) -> str:
    """Return the answer of a whole study in one to three sentences."""
    known = [card for card in cards if card["sentence"]]
    if not known:
        sentences = []
    elif len(known) == 1:
        sentences = [known[0]["sentence"]]
    else:
        sentences = [_by_answer(known)]
    others = next((row for tile in found if tile.lens == "domain" for row in tile.rows), None)
    if others and others.name == OPTIONS["other_encoder"].name:
        sentences.append(f"Another domain's images instead of your own: {others.summary}.")
    return " ".join(sentences)


def short_answers(panels: Sequence[dict]) -> list[tuple[str, str, str]]:
    """Return id, title and answer of each of several datasets that has one."""
    cards = [(panel, panel["card"]) for panel in panels if panel["card"]]
    if len(cards) < 2:  # the headline says it
        return []
    return [
        (panel["id"], panel["title"], card["sentence"])
        for panel, card in cards
        if card["answer"] not in ("", "open", "not measured")
    ]


def _by_answer(cards: Sequence[dict]) -> str:
    """`Pretrain on your own images for a and b. Cannot tell … for c.`"""
    groups: dict[str, list[str]] = {}
    for card in cards:
        groups.setdefault(card["answer"], []).append(card["title"])
    order = [answer for answer in ANSWERS if answer in groups]
    order += [answer for answer in groups if answer not in order]
    if order == ["not measured"]:
        return "Whether pretraining pays was not measured on any dataset."
    parts = [f"{ANSWERS.get(answer, answer)} {_listed(groups[answer])}" for answer in order]
    return f"{'. '.join(parts)}."


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def conditions(table: StudyTable) -> str:
    """Return what the numbers rest on, in one line."""
    methods = [*table.methods] or ["untrained encoders only"]
    pixels = [f"{size} px" for size in table.pixels] or ["pixels not recorded"]
    return " · ".join(
        [
            ", ".join(methods),
            f"{', '.join(map(names.backbone, table.backbones))}, {' and '.join(pixels)}",
            f"{len(table.targets)} dataset{_s(len(table.targets))}, "
            f"{_span(table.labels)} labelled images",
            f"{_span(table.images)} pretraining images" if table.images else "nothing pretrained",
            f"{len(table.encoders)} encoders, {table.rows:,} accuracies",
            f"{table.seeds} seed{_s(table.seeds)}",
        ]
    )


def _span(numbers: Sequence[int]) -> str:
    if not numbers:
        return "–"
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def warnings(shared: Sequence[str], table: StudyTable, hours: float) -> list[str]:
    """Return what limits all answers, a text each; of a study with few seeds, what to add.

    Args:
        shared: the warnings that all cards have.
        table: of the study.
        hours: that its pretraining took; 0 where it is not known.
    """
    more = LEAST_SEEDS - table.seeds
    if more <= 0:
        return [*shared]
    if shared and "seeds: [" in shared[0]:  # the cards have the price
        return [*shared]
    count = f"{'One' if table.seeds == 1 else table.seeds} seed{_s(table.seeds)}"
    said = [*shared] or [f"{count}: how much seeds differ is not known well, and can be more."]
    spent = round(hours * more / table.seeds, 1)
    cost = f", about {values.shown(spent)} hours of pretraining" if spent else ""
    remedy = f"To add {more} seed{_s(more)}{cost}: seeds: {list(range(LEAST_SEEDS))}."
    return [f"{said[0]} {remedy}", *said[1:]]

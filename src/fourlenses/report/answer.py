"""What the report opens with: the answer in a sentence, what it rests on, and a tile per lens.

All tiles have one axis of points. Right of 0, ▲ and green are for what a row
names first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass

from fourlenses.findings.comparison import CONFOUNDED, HAS_SEEN, LONGER_FIRST, UNTRAINED
from fourlenses.findings.line import LEANS
from fourlenses.findings.numbers import difference
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.report import values
from fourlenses.report.charts.scale import Axis
from fourlenses.report.charts.strip import Comparison, Strip, common_axis, strip
from fourlenses.report.decisions import ANSWERS, OPEN, sense_of
from fourlenses.report.findings import tone_against_zero
from fourlenses.report.study_table import StudyTable
from fourlenses.study import names
from fourlenses.study.encoders import split_start
from fourlenses.study.vocabulary import (
    EXTERNAL,
    FROM_SCRATCH,
    LENSES,
    METHODS,
    OPTIONS,
    RANDOM_INIT,
    USES,
    method_of,
)


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
ROWS = {
    "contest": Option("quantity", "Own pretraining against labels alone"),
    "doubling": Option(
        "quantity", "Twice the unlabelled images", yes="worth it", no="not worth it"
    ),
    "other_encoder": Option("domain", "Another domain's images instead of your own"),
    "added": Option("domain", "Another domain's images added to your own"),
    "pool": Option("domain", "Part of your images replaced by another domain's"),
    "corruption": Option("quality", "Corrupted pretraining images against clean ones"),
    "granularity": Option(
        "granularity", "Supervised encoders' lead, on finer labels", yes="wider", no="narrower"
    ),
    "download_or_labels": Option("alternatives", "Downloaded encoder against labels alone"),
    "downloaded": Option("alternatives", "Downloaded encoder against own pretraining"),
    "continued": Option("alternatives", "Continued download against the download as it is"),
    "continued_or_labels": Option("alternatives", "Continued download against labels alone"),
    "continued_or_own": Option("alternatives", "Continued download against own pretraining"),
}


INCLUDES_ZERO = "the interval includes 0"
# Of answers whose reason is long.
SHORT = {
    HAS_SEEN: "left out, the encoder has seen this dataset",
    CONFOUNDED: "more images and longer training at once",
    LONGER_FIRST: "longer training gains more",
    UNTRAINED: "hardly above the random encoder, not trained enough to tell",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a tile: the option, how its comparisons came out, why some are open, and their
    marks."""

    name: str
    summary: str
    why: str
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
    found: dict[str, list[Comparison]] = {question: [] for question in ROWS}
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
            for question, option in ROWS.items()
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
    words = f"{about}: {difference(estimate, low, high)} points, {line.get('answer')}"
    tone = sense_of(line)
    reason = _reason(line) if tone == OPEN else ""
    return [
        Comparison(estimate=estimate, low=low, high=high, tone=tone, words=words, reason=reason)
    ]


def _reason(line: dict) -> str:
    """Why a comparison is open, short enough for a tile."""
    answer = values.text_of(line, "answer").removeprefix(LEANS)
    reason = values.text_of(line, "reason").partition(" for the ")[0]  # … answers of this card
    return SHORT.get(answer) or reason or answer


def _of_granularity(findings: Sequence[dict]) -> list[Comparison]:
    """Of the finding's comparisons those in points that count."""
    result = []
    for finding in findings:
        if finding["lens"] != "granularity":
            continue
        for one in finding["comparisons"]:
            if one["unit"] == "points" and one["counts"]:
                ends = one["estimate"], one["low"], one["high"]
                tone = tone_against_zero(one["low"], one["high"])
                comparison = Comparison(
                    estimate=ends[0],
                    low=ends[1],
                    high=ends[2],
                    tone=tone,
                    words=f"{names.dataset(one['target'])}: {difference(*ends)} points",
                    reason=INCLUDES_ZERO if tone == OPEN else "",
                )
                result.append(comparison)
    return result


def _row(option: Option, row: Sequence[Comparison], axis: Axis) -> Row:
    counts = {tone: sum(one.tone == tone for one in row) for tone in ("yes", "no", "level", "open")}
    words = {"yes": option.yes, "no": option.no, "level": "no difference", "open": "open"}
    said = [f"{words[tone]} in {count}" for tone, count in counts.items() if count]
    one = row[0]
    if len(row) == 1:
        summary = f"{words[one.tone]}, {one.estimate:+.1f} points"
    elif len(said) == 1:
        tone = next(tone for tone, count in counts.items() if count)
        summary = f"{words[tone]} in all {len(row)}"
    else:
        summary = f"{', '.join(said)} of {len(row)}"
    reasons = Counter(one.reason for one in row if one.reason)
    why = "; ".join(
        f"open: {reason}" if count == len(row) else f"{count} open: {reason}"
        for reason, count in reasons.items()
    )
    decided = [tone for tone in ("yes", "no", "level") if 2 * counts[tone] > len(row)]
    return Row(
        name=option.name,
        summary=summary,
        why=f"{why[0].upper()}{why[1:]}." if why else "",
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
    if others and others.name == ROWS["other_encoder"].name:
        sentences.append(f"Another domain's images instead of your own: {others.summary}.")
    return " ".join(sentences)


def short_answers(panels: Sequence[dict]) -> list[tuple[list[tuple[str, str]], str]]:
    """Return the answers of several datasets: id and title of those with the same, and it."""
    cards = [(panel, panel["card"]) for panel in panels if panel["card"]]
    if len(cards) < 2:  # the headline says it
        return []
    by_sentence: dict[str, list[tuple[str, str]]] = {}
    for panel, card in cards:
        by_sentence.setdefault(card["sentence"], []).append((panel["id"], panel["title"]))
    return [(places, sentence) for sentence, places in by_sentence.items() if sentence]


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


def meanings(table: StudyTable) -> list[tuple[str, str]]:
    """Return the names of options and uses that the page has, and what each means."""
    methods = {name.split("/")[0] for name in table.encoders}
    starts = any(split_start(name.split("/")[1])[1] for name in table.encoders)
    here = {
        "labels": bool({*table.protocols} & {*FROM_SCRATCH}),
        "download": EXTERNAL in methods,
        "continue": starts,
        "pretrain": any(_is_contrastive(name) for name in methods),
        "untrained": RANDOM_INIT in methods,
    }
    options = [pair for option, pair in OPTIONS.items() if here[option]]
    uses = [(names.protocol(use), said) for use, said in USES.items() if use in table.protocols]
    return options + uses


def _is_contrastive(entry: str) -> bool:
    """Return whether a method entry pretrains without labels."""
    known = method_of(entry)
    return known is not None and METHODS[known].contrastive


def conditions(table: StudyTable) -> str:
    """Return what the numbers rest on, in one line."""
    methods = [*table.methods] or ["untrained encoders only"]
    sizes = [str(size) for size in table.pixels]
    pixels = f"{_listed(sizes)} px" if sizes else "image size not recorded"
    return " · ".join(
        [
            ", ".join(methods),
            f"{', '.join(map(names.backbone, table.backbones))}, {pixels}",
            f"{len(table.targets)} dataset{_s(len(table.targets))}, "
            f"{_span(table.labels)} labelled images",
            f"{_span(table.images)} pretraining images" if table.images else "nothing pretrained",
            _encoders(table),
            f"{table.rows:,} accurac{'y' if table.rows == 1 else 'ies'}",
            f"{table.seeds} seed{_s(table.seeds)}",
        ]
    )


def _encoders(table: StudyTable) -> str:
    """`39 encoders, each seed counted (30 pretrained here, 6 downloaded, 3 random)`."""
    methods = Counter(name.split("/")[0] for name in table.encoders)
    others = {"downloaded": methods[EXTERNAL], "random": methods[RANDOM_INIT]}
    here = methods.total() - sum(others.values())
    kinds = {"pretrained here": here} | others
    said = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    if not said:
        return "no encoder"
    return f"{methods.total()} encoder{_s(methods.total())}, each seed counted ({said})"


def _span(numbers: Sequence[int]) -> str:
    if not numbers:
        return "–"
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def warnings(
    shared: Sequence[str], table: StudyTable, hours: float, *, study: str = ""
) -> list[str]:
    """Return what limits all answers, a text each; of a study with few seeds, what to add.

    Args:
        shared: the warnings that all cards have, and of trainings that had not converged.
        table: of the study.
        hours: that its pretraining took; 0 where it is not known.
        study: its name.
    """
    shared = list(dict.fromkeys(shared))
    more = LEAST_SEEDS - table.seeds
    if more <= 0:
        return [*shared]
    if shared and "seeds: [" in shared[0]:  # the cards have the price
        return [*shared]
    count = f"{'One' if table.seeds == 1 else table.seeds} seed{_s(table.seeds)}"
    said = [*shared] or [f"{count}: how much seeds differ is not known well, and can be more."]
    spent = round(hours * more / table.seeds, 1)
    cost = f", about {values.shown(spent)} hours of pretraining" if spent else ""
    file = f"studies/{study}.yaml" if study else "the study's file"
    keys = f"seeds: {list(range(LEAST_SEEDS))}"
    remedy = f"To add {more} seed{_s(more)}{cost}, write into {file}: {keys}."
    return [f"{said[0]} {remedy}", *said[1:]]

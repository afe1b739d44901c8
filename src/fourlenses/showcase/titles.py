"""The titles of README's picture: what was found, and what that rests on."""

from typing import Any, NamedTuple

from fourlenses.findings import words
from fourlenses.findings.answer.options import DOWNLOAD
from fourlenses.findings.contest import PRETRAINING, SUPERVISED
from fourlenses.findings.line import LEANS
from fourlenses.findings.verdict import AGAINST, HOLDS, OPEN
from fourlenses.study import names

Record = dict[str, Any]
COUNTED = (HOLDS, AGAINST, OPEN)


class Title(NamedTuple):
    """A title.

    Attributes:
        result: what was found.
        rests_on: the number that says it, with its interval.
    """

    result: str
    rests_on: str


def of_labels(cards: list[Record], target: str) -> Title:
    """Return the title of a target: a download where that is the answer at every number of labels,
    else pretraining against labels alone.

    Args:
        cards: of decision.json.
        target: the dataset.
    """
    card = next((card for card in cards if card["target"] == target), {})
    lines: list[Record] = card.get("lines", [])
    if card.get("headline", {}).get("answer") == DOWNLOAD:
        return _download(card["headline"], lines, target)
    contests = [line for line in lines if line["question"] == "contest"]
    if not contests:
        return Title(
            f"Accuracy on {names.dataset(target)} by labels",
            "not fine-tuned, so whether pretraining pays was not measured",
        )
    ahead, behind = (
        [line for line in contests if side in line["answer"]] for side in (PRETRAINING, SUPERVISED)
    )
    decided = ahead or behind or contests
    # the largest number of labels at which it is still so
    shown = max(decided, key=_labels) if decided is not behind else min(decided, key=_labels)
    lean = "Leans: " if shown["answer"].startswith(LEANS) else ""
    if ahead and behind and _labels(shown) < min(map(_labels, behind)):
        result = f"{lean}Pretraining leads up to {shown['subject']} labels"
    elif ahead and len(ahead) == len(contests):
        result = f"{lean}Pretraining leads {_at(contests)}"
    elif ahead:
        result = f"{lean}Pretraining leads at {shown['subject']} labels"
    elif behind:
        result = f"{lean}Labels alone lead from {shown['subject']} labels"
    else:
        result = "Pretraining or labels alone: undecided"
    return Title(result, f"{names.dataset(target)}, {shown['subject']} labels: {_interval(shown)}")


def _download(headline: Record, lines: list[Record], target: str) -> Title:
    over = {"download_or_labels": "labels alone", "downloaded": "own pretraining"}
    question = next(name for name in over if any(line["question"] == name for line in lines))
    asked = [line for line in lines if line["question"] == question]
    shown = max(asked, key=_labels)
    lean = "Leans: " if headline["leans"] else ""
    on = f"{names.dataset(target)}, {shown['subject']} labels, over {over[question]}"
    return Title(
        f"{lean}A download leads {_at(asked)}",
        f"{on}: {_interval(shown).replace(' points', '')}",
    )


def of_domains(findings: list[Record]) -> Title:
    """Return the title of other domains against one's own. findings: of findings.json."""
    record = next((one for one in findings if one["finding"] == "domain"), None)
    if record is None or not record["evidence"]:
        return Title("Another domain instead: not measured", "add the lens domain")
    entries, holding = record["evidence"], record["counts"].get(HOLDS, 0)
    verdict = record["verdict"]
    lean = "Leans: " if verdict.startswith("leans") else ""
    if verdict.endswith("supported"):
        result = f"{lean}No other domain beats your own{_by_over(record['threshold'])}"
    elif verdict.endswith("contradicted"):
        result = f"{lean}Another domain can beat your own images"
    elif verdict.endswith("equivalent"):
        result = f"{lean}Other domains are as good as your own images"
    else:
        result = f"Other domains no better in {holding} of {len(entries)} cases"
    ends = sorted(entries, key=lambda entry: entry["estimate"])
    if record["estimate"] is not None:
        counted = sum(entry["status"] in COUNTED for entry in entries)
        rests_on = f"mean of {counted} of {len(entries)} comparisons: {_interval(record)}"
    else:
        first, last = (_interval(end).replace(" points", "") for end in (ends[0], ends[-1]))
        rests_on = f"from {first} to {last} points"
    return Title(result, f"{rests_on}; ≈: the interval includes 0")


def _at(lines: list[Record]) -> str:
    """`at both numbers of labels`, of those that were compared."""
    if len(lines) == 1:
        return f"at {lines[0]['subject']} labels"
    return f"at {'both' if len(lines) == 2 else f'all {len(lines)}'} numbers of labels"


def _by_over(margin: float) -> str:
    """` by over 1 point`, as a smaller lead is not ruled out; nothing where the margin is 0."""
    return f" by over {words.margin(margin)}" if margin else ""


def _labels(line: Record) -> int:
    return int(line["subject"].replace(",", ""))


def _interval(record: Record) -> str:
    estimate, low, high = (f"{record[end]:+.1f}" for end in ("estimate", "low", "high"))
    return f"{estimate} points ({low} to {high})".replace("-", "−")

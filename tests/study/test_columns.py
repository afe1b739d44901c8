"""The columns of metrics.csv: those that the reference explains, with the words of other tables."""

import re

from fourlenses.config.checkout import ROOT
from fourlenses.evaluation.rescore import rescore
from fourlenses.study.columns import COLUMNS

PAGE = ROOT / "docs" / "reference" / "results.md"


def explained() -> list[str]:
    """The columns that the table of the reference has."""
    text = PAGE.read_text(encoding="utf-8").partition("## Columns of metrics.csv")[2]
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("|")]
    first = [line.split("|")[1] for line in lines[2:]]
    return [name for cell in first for name in re.findall(r"`(\w+)`", cell)]


def test_the_reference_explains_every_column_once():
    names = explained()
    assert len(names) == len(set(names))
    assert set(names) == set(COLUMNS), (
        "docs/reference/results.md or study/columns.py lacks a column"
    )


def test_rescored_tables_have_the_same_words():
    assert set(rescore.COLUMNS) - set(COLUMNS) == {"predictions", "labelled", "classes_tested"}


def test_what_may_be_empty_is_not_required_but_for_top5():
    for column in COLUMNS.values():
        assert not (column.required and column.may_be_empty) or column.finest_only

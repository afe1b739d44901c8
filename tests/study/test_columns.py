"""The columns of metrics.csv are those that README.md explains, and other tables call them alike."""

import re

from fourlenses.config.checkout import ROOT
from fourlenses.evaluation.rescore import rescore
from fourlenses.study.columns import COLUMNS


def explained() -> list[str]:
    """The columns that the table in README.md has."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("Columns of `metrics.csv`:")[2].strip().partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [name for cell in first for name in re.findall(r"`(\w+)`", cell)]


def test_the_readme_explains_every_column_once():
    names = explained()
    assert len(names) == len(set(names))
    assert set(names) == set(COLUMNS), "README.md, 'Columns of metrics.csv', or study/columns.py"


def test_rescored_tables_have_the_same_words():
    assert set(rescore.COLUMNS) - set(COLUMNS) == {"predictions", "labelled", "classes_tested"}


def test_what_may_be_empty_is_not_required_but_for_top5():
    for column in COLUMNS.values():
        assert not (column.required and column.may_be_empty) or column.finest_only

"""The paper's numbers as rows: each where the paper has it, in a table that figures accept."""

import pytest

from fourlenses.analysis import published
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import IDENTITY, read_metrics
from fourlenses.core.errors import UserError
from fourlenses.lenses.registry import figure_named
from fourlenses.study.vocabulary import METRICS_FIGURES


@pytest.fixture(scope="module")
def rows():
    return published.rows()


def top1(rows, **wanted):
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows["top1"].iloc[0]


def test_values_stand_where_the_paper_has_them(rows):
    assert top1(rows, source="imagenet-1000000", target="inat21", lens="domain") == 37.3  # table 1
    assert (
        top1(rows, source="imagenet-250000+places365-250000", target="places365") == 49.0
    )  # table 2
    assert (
        top1(rows, source="imagenet-500000", target="imagenet", labelled_images=1_281_167) == 62.9
    )  # table 2, in-domain
    assert top1(rows, source="imagenet-1000000~inat21-1000000", target="inat21") == pytest.approx(
        49.3 + 1.4
    )  # table 3
    assert top1(
        rows, source="inat21-1000000~imagenet-1000000.supervised", target="inat21"
    ) == pytest.approx(49.3 + 4.7)
    assert top1(rows, source="imagenet-1000000@downsample4", method="simclr") == pytest.approx(
        64.4 - 34.1
    )  # figure 4
    assert top1(rows, method="byol", labelled_images=1_000_000) == 45.7  # figure 3
    assert top1(rows, target="inat21", level="kingdom", method="supervised") == 98.8  # figure 5


def test_they_are_a_table_that_every_figure_takes(rows, tmp_path):
    assert not rows.duplicated(list(IDENTITY)).any()
    file = tmp_path / "published.csv"
    rows.assign(top5="", is_finest=rows["is_finest"].map({True: "true", False: "false"})).to_csv(
        file, index=False
    )
    table = read_metrics(file)
    # the paper has no external encoders, says of no training how long it was, names its baseline
    # `scratch_published`, and is not compared with itself
    absent = {"alternatives", "quantity_gain", "quantity_saved", "published"}
    for name in set(METRICS_FIGURES) - absent:
        assert len(figure_named(name).draw(Evidence.of(table))[1])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"fig2_quantity\.csv does not exist"):
        published.rows(tmp_path)

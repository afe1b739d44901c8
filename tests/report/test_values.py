"""Markdown, values and marks as the report shows them."""

import pytest
from markupsafe import escape

from fourlenses.findings import numbers
from fourlenses.report import markdown, values
from fourlenses.report.records import marks


def test_markdown_blocks():
    blocks = markdown.parse(
        "# Head\n\nOne\ntwo **bold** `a<b`\n\n- x\n  y\n- z\n\n"
        "| a | b |\n|---|--:|\n| n | 1 |\n| m | 2 |\n\nend"
    )
    assert [block["kind"] for block in blocks] == ["heading", "text", "list", "table", "text"]
    assert blocks[1]["text"] == "One two <strong>bold</strong> <code>a&lt;b</code>"
    assert blocks[2]["items"] == ["x y", "z"]
    assert (blocks[3]["table"].rows, blocks[3]["table"].numeric) == (
        [["n", "1"], ["m", "2"]],
        [False, True],
    )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/x.png)",
        "<https://example.org>",
        "[x]: https://example.org",
        "&lt;b&gt;",
        "> quoted",
        "***",
    ],
)
def test_markdown_that_is_not_known_is_text(text):
    for source in (text, f"- {text}", f"| a |\n|---|\n| {text} |"):
        (block,) = markdown.parse(source)
        shown = block.get("text") or (block.get("items") or block["table"].rows[0])[0]
        assert shown == escape(text)


def test_values_are_shown_as_a_reader_writes_them():
    assert [
        values.shown(value)
        for value in (4400, 3.14159, 0.01234, None, float("nan"), True, [1, "a"], 12345.6)
    ] == [*("4,400", "3.142", "0.0123", "–", "–", "yes", "1, a", "12,346")]


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((-1.23, 3.45), "1.1 (-1.2 to 3.5)"),
        ((0.6, 0.8), "1.10 (0.60 to 0.80)"),
        ((-12, 40), "1 (-12 to 40)"),
        ((1, 1), "1.10 (1.00 to 1.00)"),
    ],
)
def test_an_interval_is_shown_to_two_digits_of_its_half_width(ends, text):
    assert (
        values.with_interval({"estimate": 1.1, "low": ends[0], "high": ends[1], "unit": "hours"})
        == text + " hours"
    )


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("points", "-0.3 (-1.2 to -0.0)"),
        ("points per doubling", "-0.3 (-1.2 to -0.0)"),
        ("log-odds", "-0.26 (-1.23 to -0.04)"),
    ],
)
def test_findings_and_their_report_round_alike(unit, text):
    assert (
        values.with_interval({"estimate": -0.26, "low": -1.234, "high": -0.04, "unit": unit})
        == f"{text} {unit}"
    )
    assert numbers.difference(-0.26, -1.234, -0.04, unit=unit) == text


def test_marks_stand_where_the_numbers_say():
    assert marks.spark_line([4.0, 2.0, 3.0]) == "3.0,3.0 60.0,21.0 117.0,12.0"
    assert marks.spark_line([4.0, float("nan")]) is None

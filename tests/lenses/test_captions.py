"""Captions speak of what their figures show, and of no more."""

import csv
import io
import re
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETUP
from matplotlib.text import Text

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import captions, registry
from fourlenses.plotting import ends, style
from fourlenses.study.vocabulary import FIGURES, METRICS_FIGURES

ROOT = Path(__file__).parents[2]
STUDIES = ("real_alternatives", "real_evidence", "real_mini", "real_protocols", "real_quantity")


def texts(figure):
    """Return what is written in the panels and the legend: the footer is no part of a drawing."""
    footer = {id(text) for text in figure.texts}
    every = [text for text in figure.findobj(Text) if id(text) not in footer]
    return " ".join(text.get_text() for text in every).replace("\n", " ")


def lines(figure):
    return [line for axes in figure.axes for line in axes.lines]


def hollow(figure):
    """Return the markers that have an edge alone, of pale ones and of published numbers."""
    return [
        line
        for line in lines(figure)
        if len(line.get_xdata())
        and line.get_fillstyle() == "full"
        and line.get_marker() not in ("x", "None")
        and line.get_markerfacecolor() in ("none", "white")
    ]


def markers(figure, *wanted):
    return [line for line in lines(figure) if line.get_marker() in wanted]


def hatched(figure):
    return [area for axes in figure.axes for area in axes.collections if area.get_hatch()]


def grey(figure):
    """Return lines in the colour of what does not count, and hollow points in it."""
    pale = [line for line in lines(figure) if line.get_marker() not in ("None", "")]
    return [line for line in pale if to_hex(line.get_color()) == style.PALE.lower()]


def rows_of_panels(figure):
    return {round(axes.get_position().y0, 2) for axes in figure.axes if axes.axison}


# A word of captions, and whether a figure shows it; the words must be there if it does.
ALWAYS = {
    "hollow": hollow,
    "hatched": hatched,
    "dotted line is chance|last row is chance|chance is": lambda figure: "chance" in texts(figure),
    "arrow head": lambda figure: markers(figure, CARETUP, CARETDOWN),
}
# As above; a figure may show it for another reason too.
IF_SAID = {
    "triangle": lambda figure: markers(figure, "^", "v"),
    "grey": grey,
    "supervised": lambda figure: "supervised" in texts(figure),
    "random encoder": lambda figure: "random" in texts(figure),
    "from scratch|labels alone": lambda figure: re.search("scratch|labels alone", texts(figure)),
    "concatenated": lambda figure: re.search("(?i)concatenated", texts(figure)),
    "pooled|pools": lambda figure: re.search("(?i)pool", texts(figure)),
    "share plus": lambda figure: "Own share" in texts(figure),
    "below|lower panels": lambda figure: len(rows_of_panels(figure)) > 1,
    "labelled at their ends": lambda figure: any(ends.of(axes) for axes in figure.axes),
    "continued": lambda figure: "continued" in texts(figure),
    "downloaded": lambda figure: "downloaded" in texts(figure),
    "fine-tuning": lambda figure: "fine-tuned" in texts(figure),
}
# words that are about the matrix's cells, the text round it, and what was left out
NOT_OF = {"domain": ("below", "grey"), "quantity_saved": ("below",), "granularity": ("dashed",)}


def caption(name, numbers):
    table = io.StringIO(numbers.to_csv(index=False, float_format="%.4f"))
    return " ".join(captions.caption_of(name, csv.DictReader(table)).split())


def wrong(name: str, figure: Figure, said: str) -> list[str]:
    """Return the words of a caption that are not in its figure, and those that it lacks."""
    said = said.lower()
    left_out = NOT_OF.get(name, ())
    found = []
    for words, shows in {**ALWAYS, **IF_SAID}.items():
        if any(word in words for word in left_out):
            continue
        is_said, is_shown = bool(re.search(words, said)), bool(shows(figure))
        if is_said and not is_shown:
            found.append(f"{name}: {words} is said and not shown")
        if is_shown and not is_said and words in ALWAYS:
            found.append(f"{name}: {words} is shown and not said")
    return found


@pytest.mark.parametrize("study", STUDIES)
def test_captions_of_committed_studies_speak_of_what_is_drawn(study):
    folder = ROOT / "results" / study
    evidence = Evidence.of(read_metrics(folder / "metrics.csv"))
    drawn = sorted(file.stem for file in (folder / "figures").glob("*.svg"))
    assert len(drawn) > 3
    problems = []
    for name in drawn:
        second = folder / "similarity.csv" if FIGURES[name].table else None
        figure, numbers = registry.draw(name, evidence, thresholds=Thresholds(), table=second)
        problems += wrong(name, figure, caption(name, numbers))
    assert problems == []


@pytest.mark.parametrize("name", METRICS_FIGURES)
def test_captions_of_the_planted_study_speak_of_what_is_drawn(name, planted):
    figure, numbers = registry.draw(name, planted, thresholds=Thresholds())
    assert figure is None or wrong(name, figure, caption(name, numbers)) == []


def test_a_caption_of_what_is_not_there_is_found(planted):
    figure, _ = registry.draw("quantity", planted, thresholds=Thresholds())
    problems = wrong("quantity", figure, "Hollow markers are the paper's.")
    assert "quantity: hollow is said and not shown" in problems
    assert "quantity: hatched is shown and not said" in problems


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True),
        ("fit", True),
        ("note", False),
        ("absent", False),
        ("fit=line|curve", True),
        ("fit=curve", False),
        ("fit!=line", False),
        ("note=", True),
        ("fit=line; several size", True),
        ("several seeds", False),
        ("target=b; several size", False),
    ],
)
def test_conditions(condition, holds):
    row = {"method": "simclr", "protocol": "linear", "fit": "line", "note": "nan", "seeds": "3"}
    rows = [
        row | {"target": "a", "size": "1"},
        row | {"target": "a", "size": "2"},
        row | {"target": "b", "size": "1"},
    ]
    assert captions.holds(condition, rows) == holds
    assert captions.holds(condition, []) == (not condition)


def test_a_condition_that_is_none_is_an_error():
    with pytest.raises(ValueError, match=r"'two words' is no condition of a caption"):
        captions.holds("two words", [{"two": "words"}])


def test_every_condition_of_every_caption_names_a_column_that_its_figure_has():
    tables = [*(ROOT / "results").glob("*/figures/*.csv")]
    columns = {file.stem: file.read_text().split("\n")[0].split(",") for file in tables}
    for name in FIGURES:
        folder, module = captions.place_of(name)
        file = "caption.md" if module == "figure" else f"caption_{module}.md"
        text = (captions.HERE / folder / file).read_text()
        for condition, part in captions.parts(text):
            assert part.strip()
            for clause in filter(None, condition.split(";")):
                column = re.sub("^several ", "", clause.strip()).split("=")[0].rstrip("!")
                assert column in columns[name], f"{name}: {clause}"

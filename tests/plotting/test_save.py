"""A picture is drawn once, and is the one that matplotlib's own `savefig` writes."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from fourlenses.plotting import look, style
from fourlenses.plotting.save import METADATA, save


@style.context()
def drawn() -> Figure:
    figure = style.new_figure(2, height=2)
    for axes in figure.subplots(1, 2):
        axes.plot([1, 2, 3], [3, 1, 2], label="a line")
        axes.set_xlabel("images")
    figure.legend(loc="outside lower center")
    return figure


@pytest.mark.parametrize("dpi", [300, 120])
def test_a_picture_has_the_bytes_of_savefig(tmp_path, dpi):
    with look.using(look.Look(formats=look.FORMATS, dpi=dpi)):
        figure = drawn()
        save(figure, pd.DataFrame({"top1": [1.0]}), tmp_path / "ours")
        with style.context():
            for ending in look.FORMATS:
                path = tmp_path / f"matplotlib.{ending}"
                figure.savefig(path, format=ending, metadata=METADATA[ending])
                assert path.read_bytes() == (tmp_path / f"ours.{ending}").read_bytes(), ending


def test_each_format_draws_the_figure_once(tmp_path, monkeypatch):
    drawn_by = []
    draw = Figure.draw

    def counting(figure, renderer):
        drawn_by.append(type(renderer).__name__)
        draw(figure, renderer)

    figure = drawn()
    monkeypatch.setattr(Figure, "draw", counting)
    with look.using(look.Look(formats=("svg", "png"))):
        save(figure, pd.DataFrame({"top1": [1.0]}), tmp_path / "ours")
    assert drawn_by == ["MixedModeRenderer", "RendererAgg"]


@style.context()
def test_names_are_no_formulas(tmp_path):
    figure = style.new_figure(1, height=2)
    figure.subplots().set_title("from 5 to $\\frac$")
    save(figure, pd.DataFrame({"top1": [1.0]}), tmp_path / "ours")
    assert "from 5 to $\\frac$" in (tmp_path / "ours.svg").read_text()

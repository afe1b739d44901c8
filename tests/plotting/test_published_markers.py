"""Hollow markers of published numbers."""

from matplotlib.figure import Figure

from fourlenses.plotting import published_markers


def test_markers_are_hollow_and_one_entry_of_the_legend():
    axes = Figure().subplots()
    published_markers.draw(axes, [500, 1000], [62.9, float("nan")], colour="red", marker="s")
    published_markers.draw(axes, [], [], colour="blue")
    assert (list(axes.lines[0].get_xdata()), list(axes.lines[0].get_ydata())) == ([500], [62.9])
    assert axes.lines[0].get_markerfacecolor() == "none"
    assert axes.get_legend_handles_labels()[1] == [published_markers.LABEL]

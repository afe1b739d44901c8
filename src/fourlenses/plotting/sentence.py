"""A figure that says in words why there is nothing to see: a study that does not ask a question still gets an answer that is drawn."""

import textwrap

from matplotlib.figure import Figure

from fourlenses.plotting import style


def figure(text: str) -> Figure:
    """One column wide, without axes."""
    drawn = style.new_figure(1, height=1.0)
    axes = drawn.subplots()
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        "\n".join(textwrap.wrap(text, 58)),
        ha="center",
        va="center",
        transform=axes.transAxes,
    )
    return drawn

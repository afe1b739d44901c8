"""The band of one seed is hatched, in the PNG and in the SVG."""

import io
import re

import pandas as pd
import pytest

from fourlenses.plotting import panels, style


def svg_of(seeds):
    rows = pd.DataFrame(
        {"top1": [10.0, 20.0], "top1_low": [8.0, 17.0], "top1_high": [12.0, 23.0], "seeds": seeds}
    )
    with style.context():
        figure = style.new_figure(2, 2)
        axes = figure.subplots()
        panels.line(axes, [1, 2], rows, colour="#0072b2", label="a", marker="o")
        written = io.BytesIO()
        figure.savefig(written, format="svg")
    return written.getvalue().decode()


def test_the_hatch_of_one_seed_stands_out_from_its_area():
    drawing = svg_of([1, 1])
    (pattern,) = re.findall(r"<pattern.*?</pattern>", drawing, flags=re.DOTALL)
    assert 'fill="none"' in pattern  # else hatch and area are one colour
    assert re.search(r"stroke: #0072b2", pattern)
    (opacity,) = re.findall(r"stroke-opacity: ([0-9.]+)", pattern)
    assert float(opacity) > 0.3


@pytest.mark.parametrize("seeds", [[3, 3], [2, 5]])
def test_bands_of_more_seeds_are_plain(seeds):
    assert "<pattern" not in svg_of(seeds)

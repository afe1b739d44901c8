"""Chance in a panel: a line, or a number where the line would flatten the accuracies."""

from fourlenses.analysis.table import read_metrics
from fourlenses.plotting import chance, style
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.synthetic_metrics import row


def test_chance_is_a_line_or_far_below_the_accuracies_a_number(tmp_path):
    rows = [row("domain", "simclr", "a-100", "a", 50.0, chance=12.5)]
    metrics = read_metrics(synthetic.write(tmp_path / "metrics.csv", rows))
    numbers = metrics.assign(chance=chance.top1_by_chance(metrics, metrics, ["target", "level"]))
    axes = style.new_figure(1, 2.0).subplots()
    chance.line(axes, numbers)
    assert [list(line.get_ydata()) for line in axes.lines] == [[12.5, 12.5]]
    chance.line(axes, numbers, keep_range_of=numbers["top1"])
    assert [text.get_text() for text in axes.texts] == ["chance", "chance: 12 %"]
    nothing = style.new_figure(1, 2.0).subplots()
    chance.line(nothing, numbers.assign(chance=float("nan")))
    assert not nothing.lines

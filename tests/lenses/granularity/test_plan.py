"""Requests of the granularity lens."""

from fourlenses.lenses.plan import make_plan


def test_a_supervised_encoder_of_another_lens_is_shown_at_every_level(default_config):
    cells = {
        cell: lenses
        for cell, lenses in make_plan(default_config).cells.items()
        if cell.run.method == "supervised" and cell.protocol == "linear"
    }
    clean = [lenses for cell, lenses in cells.items() if cell.run.source == "scenes-all"]
    assert clean == [{"quality", "granularity"}]
    assert [lenses for cell, lenses in cells.items() if "@" in cell.run.source] == [{"quality"}]

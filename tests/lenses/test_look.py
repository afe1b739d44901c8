"""What a user chooses of figures: the section `figures` of the config."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import registry
from fourlenses.lenses.granularity import figure as granularity
from fourlenses.plotting import colours, look
from fourlenses.plotting.save import save
from fourlenses.study import labels, names


def test_a_section_of_the_config_is_a_look():
    section = {"formats": ["pdf"], "width": "auto", "font_size": 9, "labels": {"a": "A"}}
    assert look.Look.of(section) == look.Look(formats=("pdf",), font_size=9)
    with pytest.raises(UserError, match=r"figures\.colour is no key; use some of formats, width"):
        look.Look.of({"colour": "red"})


def test_width_formats_font_size_and_palette_are_drawn(tmp_path, planted):
    chosen = look.Look(
        formats=("pdf", "svg"), width=5.0, font_size=9.0, palette={"simclr": "#123456"}
    )
    (tmp_path / "granularity.png").write_bytes(b"of a look before")
    with look.using(chosen):
        figure, numbers = granularity.draw(planted)
        paths = save(figure, numbers, tmp_path / "granularity")
    assert figure.get_figwidth() == 5.0
    assert figure.axes[0].yaxis.label.get_fontsize() == 9.0
    assert "#123456" in {line.get_color() for line in figure.axes[0].lines}
    assert sorted(path.suffix for path in tmp_path.glob("granularity.*")) == [
        ".csv",
        ".pdf",
        ".svg",
    ]
    assert (tmp_path / "granularity.pdf").read_bytes().startswith(b"%PDF")
    first = [path.read_bytes() for path in paths]
    with look.using(chosen):
        save(*granularity.draw(planted), tmp_path / "granularity")
    assert [path.read_bytes() for path in paths] == first
    assert look.current() == look.DEFAULT


def test_only_some_curves_are_drawn_and_a_wrong_name_is_a_sentence(planted):
    with look.using(look.Look(only={"method": ["simclr"], "target": ["a"]})):
        _, numbers = registry.draw("granularity", planted, thresholds=Thresholds())
    assert set(zip(numbers["method"], numbers["target"], strict=True)) == {("simclr", "a")}
    wrong = look.using(look.Look(only={"method": ["simklr"]}))
    with wrong, pytest.raises(UserError, match=r"figures\.only\.method names 'simklr'; .* simclr"):
        registry.draw("granularity", planted, thresholds=Thresholds())


def test_labels_of_datasets_levels_methods_and_protocols(planted):
    chosen = {"a": "Birds", "a/coarse": "order", "fine": "species", "simclr": "ours"}
    with labels.using(chosen):
        figure, numbers = granularity.draw(planted)
        assert names.source("a-1000+b-1000") == "Birds 1k + b 1k"
        assert names.level("b", "coarse") == "coarse"
    assert figure.axes[0].get_title() == "Birds"
    ticks = [label.get_text() for label in figure.axes[-2].get_xticklabels()]
    assert ticks == ["order", "species"]
    assert set(numbers["target"]) == {"a", "b"}  # tables keep the names
    assert names.dataset("a") == "a"
    assert colours.of_method("simclr")

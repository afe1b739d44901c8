"""Names of the vocabulary and modules of the lenses, held to each other."""

import re
from pathlib import Path

import pytest

import fourlenses.lenses
from fourlenses.core.errors import UserError
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import registry
from fourlenses.study.vocabulary import FIGURES, LENSES, STUDY_FIGURES

FOLDER = Path(fourlenses.lenses.__file__).parent


def test_every_module_that_draws_is_a_figure_of_the_vocabulary():
    drawing = {
        {"figure": file.parent.name}.get(file.stem, f"{file.parent.name}_{file.stem}")
        for file in FOLDER.glob("*/*.py")
        if re.search(r"\ndef draw\(\s*evidence: Evidence", file.read_text(encoding="utf-8"))
    }
    of_study = {f"across_{figure.name}" for figure in STUDY_FIGURES}
    of_lenses = set(FIGURES) - {figure.name for figure in STUDY_FIGURES}
    assert drawing == of_lenses | of_study


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_its_module_and_what_it_needs(figure):
    module = registry.figure_named(figure)
    assert callable(module.draw)
    assert hasattr(module, "read_table") == bool(FIGURES[figure].table)
    assert set(FIGURES[figure].thresholds) <= set(Thresholds.__dataclass_fields__)


@pytest.mark.parametrize("lens", LENSES)
def test_every_lens_has_its_findings_and_may_have_a_card(lens):
    assert callable(registry.finding_of(lens).evaluate)
    assert (registry.card_of(lens) is not None) == (FOLDER / lens / "card.py").exists()


def test_an_unknown_figure_is_a_sentence_with_those_known():
    with pytest.raises(UserError, match="no figure 'depth'; known are quantity, quantity_gain, "):
        registry.figure_named("depth")

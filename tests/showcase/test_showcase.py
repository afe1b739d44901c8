"""README's section of results: in step with the tables, and sentences that say what they say."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.findings import write
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from fourlenses.showcase import picture, readme, sentences, titles
from fourlenses.showcase.whole import whole
from tests.helpers import planted_alternatives, planted_study

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def planted(folder: Path, seeds: int = 3) -> Path:
    """A study's folder with its table and findings: sizes, domains, two label sizes, scratch."""
    study = planted_study.Planted()
    for labels, frozen, tuned, scratch in ((500, 40.0, 60.0, 45.0), (4000, 50.0, 70.0, 80.0)):
        for target, other in ("ab", "ba"):
            study.random(target, 20.0, labelled=labels)
            for source, top1 in ((f"{target}-4000", frozen), (f"{other}-4000", frozen - 12)):
                study.add("simclr", source, target, top1, labelled=labels)
            study.add("simclr", f"{target}-2000", target, frozen - 1, labelled=labels)
            study.add("simclr", f"{target}-4000", target, tuned, "fine_tune", labelled=labels)
            study.add(
                "supervised", f"{target}-{labels}", target, scratch, "scratch", labelled=labels
            )
    draws = study.draws(np.random.default_rng(0), seeds, n_test=3000, seed_sd=0.5)
    evidence = next(islice(draws, 1))
    folder.mkdir(parents=True)
    evidence.metrics.assign(epochs="", is_finest="true").to_csv(folder / "metrics.csv", index=False)
    write.findings(
        conclusions.evaluate(evidence, Thresholds()), folder / "findings.json", "planted"
    )
    write.cards(conclusions.cards(evidence, Thresholds()), folder / "decision.json")
    return folder


def test_the_readme_is_in_step_with_the_tables():
    studies = readme.studies_of(README)
    made = whole([ROOT / "results" / name for name in studies])
    remedy = "make it again: make readme"
    assert readme.SECTION.search(README)["text"] == made.section, remedy
    drawn = made.numbers.to_csv(index=False, float_format="%.4f", lineterminator="\n")
    committed = (ROOT / readme.PICTURE).with_suffix(".csv").read_text(encoding="utf-8")
    assert drawn == committed, remedy


def test_the_titles_state_what_was_planted(tmp_path):
    folder = planted(tmp_path / "planted")
    cards = json.loads((folder / "decision.json").read_text())
    left = titles.of_labels(cards, "a")
    assert left.result == "Pretraining leads up to 500 labels"
    line = next(line for line in cards[0]["lines"] if line["question"] == "contest")
    assert f"a, 500 labels: {line['estimate']:+.1f} points ({line['low']:+.1f} to" in left.rests_on
    right = titles.of_domains(json.loads((folder / "findings.json").read_text()))
    # a lead of less than the finding's threshold is not ruled out
    assert right.result == "No other domain beats your own by over 1 point"
    assert right.rests_on.startswith("mean of 2 of 2 comparisons: −1")


def test_a_download_that_is_the_answer_is_the_title_and_a_line(tmp_path):
    study = planted_alternatives.downloads(8.0)
    for labels in (400, 4000):
        study.add("supervised", f"a-{labels}", "a", 30.0, "scratch", labelled=labels)
    evidence = next(islice(study.draws(np.random.default_rng(0), 3, n_test=9000, seed_sd=0.3), 1))
    write.cards(conclusions.cards(evidence, Thresholds()), tmp_path / "decision.json")
    title = titles.of_labels(json.loads((tmp_path / "decision.json").read_text()), "a")
    assert title.result == "A download leads at both numbers of labels"
    assert title.rests_on.startswith("a, 4,000 labels, over labels alone: +")
    drawn = picture.numbers(evidence, "a", Thresholds())
    (last,) = drawn[(drawn["row"] == "big, downloaded") & (drawn["labelled_images"] == 4000)].index
    assert drawn["estimate"][last] == pytest.approx(58.0, abs=2.0)


def test_a_sentence_on_downloads_says_by_which_protocols_they_were_compared():
    """A frozen download may be held against the fine-tuned encoder of one's own."""
    entry = {"status": "holds", "estimate": 5.0, "protocols": "both linear"}
    other = entry | {"protocols": "linear against fine-tuned"}
    seen = entry | {"status": "has seen the target"}
    record = {"finding": "alternatives", "statement": "It does.", "verdict": "supported"}
    record |= {"seeds": 3, "unit": "points", "estimate": 5.0, "low": 4.0, "high": 6.0}
    record |= {"evidence": [entry, entry, other, seen], "counts": {"holds": 3}}
    said = sentences.sentence(record, "mine")
    assert "3 as claimed; 2 both linear, 1 linear against fine-tuned; 3 seeds" in said


def test_one_comparison_has_no_average():
    entry = {"status": "holds", "estimate": -0.2, "low": -1.2, "high": 0.9, "target": "photos"}
    record = {"finding": "quantity", "statement": "It does.", "verdict": "supported", "seeds": 3}
    record |= {"unit": "points", "estimate": -0.2, "low": -1.2, "high": 0.9}
    record |= {"evidence": [entry], "counts": {"holds": 1}}
    said = sentences.sentence(record, "mine")
    assert "It does. -0.2 points (95 % interval -1.2 to +0.9) on photos; of 1 comparison" in said


def test_one_seed_leans(tmp_path):
    folder = planted(tmp_path / "planted", seeds=1)
    cards = json.loads((folder / "decision.json").read_text())
    assert titles.of_labels(cards, "a").result.startswith("Leans: ")
    findings = json.loads((folder / "findings.json").read_text())
    domain = next(one for one in findings if one["finding"] == "domain")
    assert "1 seed (fewer than three: it leans at most)" in sentences.sentence(domain, "planted")


def test_the_picture_has_the_numbers_of_the_table(tmp_path):
    made = whole_of(planted(tmp_path / "results" / "planted"))
    rows = made.numbers.set_index(["panel", "row", "target", "labelled_images"])["estimate"]
    assert rows["accuracy", "SimCLR, 4k images", "a", 500] == pytest.approx(40, abs=2)
    assert rows["accuracy", "SimCLR, fine-tuned", "a", 4000] == pytest.approx(70, abs=2)
    assert rows["accuracy", "from scratch", "a", 4000] == pytest.approx(80, abs=2)
    assert rows["own", "a", "a", 4000] == pytest.approx(50, abs=2)
    assert rows["loss", "b", "a", 4000] == pytest.approx(-12, abs=2)
    assert rows["loss", "random encoder", "b", 4000] == pytest.approx(-30, abs=2)
    figure = made.figure()
    assert tuple(figure.get_size_inches()) == (picture.WIDTH, picture.HEIGHT)
    shown = {text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))}
    assert {made.left.result, made.right.result, made.footer} <= shown


def whole_of(folder: Path):
    """Of a study without the lenses quality and granularity: its findings of both are others'."""
    findings = json.loads((folder / "findings.json").read_text())
    for one in findings:
        if one["finding"] in ("quality", "granularity"):
            one |= {"verdict": "supported", "evidence": [], "estimate": 1.0, "low": 0.5, "high": 2}
    (folder / "findings.json").write_text(json.dumps(findings))
    return whole([folder])


def test_a_finding_that_no_study_measured_is_an_error_that_names_the_lens(tmp_path):
    with pytest.raises(UserError, match="none of planted measured the finding quality; name"):
        sentences.sentences([planted(tmp_path / "planted")])
    with pytest.raises(UserError, match=r"findings.json is not there; make it with snakemake"):
        sentences.sentences([tmp_path])


def test_the_section_takes_its_place_and_nothing_else_changes(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("# a\n<!-- results: one -->\nold\n<!-- end of results -->\nb\n")
    readme.write(page, "new \\1\n", ["one", "two"])
    expected = "# a\n<!-- results: one two -->\nnew \\1\n<!-- end of results -->\nb\n"
    assert page.read_text() == expected
    assert readme.studies_of(page.read_text()) == ["one", "two"]
    page.write_text("# a\n")
    with pytest.raises(UserError, match="README has no section of results; put the lines"):
        readme.write(page, "new\n", ["one"])

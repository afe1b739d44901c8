"""What a report opens with, and what a keyboard and a reader of alternative texts get."""

import base64
import hashlib
import json
import re

import pytest

from fourlenses.findings.comparison import HAS_SEEN
from fourlenses.report import answer
from fourlenses.report.charts.scale import axis_through
from fourlenses.report.study_table import read_study_table
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.report_pages import Page, add_all, card_of, make_study, written


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study")


def add_cards(study, *cards: dict) -> None:
    (study / "results" / "planted" / "decision.json").write_text(json.dumps(cards))


def card(target: str, said: str, sentence: str, **changes: object) -> dict:
    headline = {"answer": said, "sentence": sentence, "because": [], "leans": False}
    return card_of(target, target=target, title=target.upper(), headline=headline, **changes)


def line(question: str, estimate: float, sense: int | None, **changes: object) -> dict:
    ends = {"estimate": estimate, "low": estimate - 1, "high": estimate + 1, "unit": "points"}
    return {
        "question": question,
        "sense": sense,
        "answer": "said",
        "sentence": "S.",
        **ends,
    } | changes


def test_the_page_begins_with_the_answer(study):
    add_cards(
        study,
        card("a", "depends", "Pretrain below 900 labels."),
        card("b", "open", "Cannot tell, as the interval holds 0."),
    )
    text = Page(written(study)).text
    start = text.index("It depends on the number of labels for A.")
    second = text.index("Cannot tell whether pretraining pays for B.")
    assert start < second < text.index("Per dataset", start)
    # where it depends, on how many labels stands there as well
    assert "A : Pretrain below 900 labels." in text[start:]
    # and of every dataset, also where nothing can be told
    assert "B : Cannot tell, as the interval holds 0." in text[start:]


def test_datasets_with_one_answer_share_its_line(study):
    add_cards(study, *(card(name, "labels", "Train on the labels alone.") for name in "ab"))
    assert "A , B : Train on the labels alone." in Page(written(study)).text


def test_one_dataset_needs_no_list(study):
    add_cards(study, card("a", "pretrain", "Pretrain on your images."))
    html = written(study)
    assert "<h1>Pretrain on your images.</h1>" in html
    assert "short-answers" not in html.partition("<body>")[2]


def test_tiles_have_one_axis_and_right_is_good_for_the_option_named():
    lines = [line("other_encoder", -20.0, -1), line("other_encoder", 0.5, None)]
    cards = [{"title": "A", "lines": [*lines, line("doubling", 3.0, 1)]}]
    tiles, axis = answer.tiles(cards, [], ["quantity", "domain", "quality"])
    assert [(tile.lens, tile.rows[0].summary) for tile in tiles] == [
        ("quantity", "worth it, +3.0 points"),
        ("domain", "worse in 1, open in 1 of 2"),
    ]
    (gain,), (worse, undecided) = (tile.rows[0].strip.dots for tile in tiles)
    assert worse.x == axis.at(-20.0) < axis.at(0) < undecided.x == axis.at(0.5) < gain.x
    assert (worse.tone, undecided.tone, gain.tone) == ("no", "open", "yes")
    assert (gain.low, gain.high) == (axis.at(2.0), axis.at(4.0))
    # a lens without a comparison has no tile
    assert "quality" not in {tile.lens for tile in tiles}


def test_what_is_open_says_why_next_to_it():
    lines = [
        line("downloaded", 20.0, None, answer=HAS_SEEN, reason="images were seen by rn50"),
        line("downloaded", 20.0, 1),
        line("downloaded", 0.5, None, answer="leans: cannot tell", reason="the interval holds 0"),
    ]
    ((tile,), _) = answer.tiles([{"title": "A", "lines": lines}], [], ["alternatives"])
    assert tile.rows[0].summary == "better in 1, open in 2 of 3"
    assert tile.rows[0].why == (
        "1 open: left out, the encoder has seen this dataset; 1 open: the interval holds 0."
    )


def test_one_comparison_has_one_sign_in_tile_and_section(study):
    """Its card says it, whatever the paper claims of it; the key has the marks that are drawn."""
    worse, lost = line("other_encoder", -20.0, -1), line("other_encoder", -3.0, None)
    add_cards(study, card("a", "open", "?", lines=[worse, lost]))
    entry = {"unit": "points", "target": "a", "status": "holds", "what": "b minus a"}
    ends = [{key: one[key] for key in ("estimate", "low", "high")} for one in (worse, lost)]
    finding = {
        "finding": "domain",
        "statement": "No other domain is better.",
        "verdict": "supported",
        "threshold": 1.0,
        "evidence": [entry | numbers for numbers in ends],
    }
    results = study / "results" / "planted"
    (results / "findings.json").write_text(json.dumps([finding]))
    rows = [synthetic.row("domain", "simclr", "a-10", "a", 40.0)]
    synthetic.write(results / "metrics.csv", rows)
    html = written(study)
    strips = re.findall(r'<svg class="strip" .*?</svg>', html, re.DOTALL)
    drawn = [re.findall(r'href="#mark-([a-z]+)"', strip) for strip in strips]
    assert [sorted(marks) for marks in drawn] == [["no", "open"]] * 2
    key = html.partition('class="quiet signs"')[2].partition("</div>")[0]
    assert set(re.findall(r'href="#mark-([a-z]+)"', key)) == {"yes", "no", "level", "open"}
    assert "95 % interval" in key
    assert {f"mark-{one}" for one in ("yes", "no", "level", "open")} < {*Page(html).ids}


def test_the_first_screen_says_how_many_trainings_had_not_converged(study):
    rows = [
        synthetic.row("quantity", "simclr", "a-10", "a", 40.0, seed=seed) | {"not_converged": said}
        for seed, said in enumerate(["pretraining", "", "pretraining"])
    ]
    synthetic.write(study / "results" / "planted" / "metrics.csv", rows)
    first_screen = Page(written(study)).text.partition("Per dataset")[2]
    assert "The loss still fell at the end of 2 of 3 pretrainings: longer ones may differ." in (
        first_screen
    )


def test_counts_of_two_cards_that_are_equal_are_not_those_of_the_study(study):
    rows = [
        synthetic.row("quantity", "simclr", f"{name}-10", name, 40.0, seed=seed)
        | {"not_converged": "pretraining"}
        for name in "ab"
        for seed in range(3)
    ]
    synthetic.write(study / "results" / "planted" / "metrics.csv", rows)
    fell = "The loss still fell at the end of {0} of {0} pretrainings: longer ones may differ."
    of_card, of_study = fell.format(3), fell.format(6)
    add_cards(study, *(card(name, "open", "?", warnings=[of_card]) for name in "ab"))
    opening, _, cards = written(study).partition("</header>")
    assert of_study in opening
    assert of_card not in opening
    assert cards.count(of_card) == 2


def test_a_study_of_labels_alone_has_no_encoder(tmp_path):
    rows = [synthetic.row("quantity", "supervised", "a-100", "a", 40.0, protocol="scratch")]
    synthetic.write(tmp_path / "metrics.csv", rows)
    said = answer.conditions(read_study_table(tmp_path / "metrics.csv"))
    assert said.endswith(" · no encoder · 1 accuracy · 1 seed")


def test_lines_of_another_version_have_no_sign_and_so_no_dot():
    former = line("corruption", 4.0, 1)
    del former["sense"]
    assert answer.tiles([{"title": "A", "lines": [former]}], [], ["quality"]) == ([], None)


def test_few_seeds_are_said_with_what_to_add(study):
    text = Page(written(study)).text
    assert (
        "2 seeds: how much seeds differ is not known well, and can be more. To add 1 seed" in text
    )
    shared = "Two seeds: every answer leans."
    add_cards(study, *(card(name, "open", "?", warnings=[shared, name]) for name in "ab"))
    text = Page(written(study)).text
    # what all cards warn of is said once
    assert text.count(shared) == 1
    assert f"{shared} To add 1 seed, write into studies/planted.yaml: seeds: [0, 1, 2]." in text


def test_where_the_cards_have_the_price_of_seeds_it_is_said_once(study):
    priced = "Two seeds: every answer leans. To add: seeds: [0, 1, 2], about 6 min."
    add_cards(study, *(card(name, "open", "?", warnings=[priced]) for name in "ab"))
    text = Page(written(study)).text
    assert text.count("seeds: [0, 1, 2]") == 1
    assert priced in text


def test_a_study_of_three_seeds_has_no_such_warning(study):
    file = study / "results" / "planted" / "metrics.csv"
    rows = [synthetic.row("quantity", "simclr", "a-10", "a", 40.0, seed=seed) for seed in range(3)]
    synthetic.write(file, rows)
    assert answer.warnings([], read_study_table(file), 0.0) == []


def test_what_is_not_there_is_a_line_that_says_what_to_add(study):
    rows = [synthetic.row("quantity", "simclr", "a-10", "a", 40.0)]
    synthetic.write(study / "results" / "planted" / "metrics.csv", rows)
    page = Page(written(study))
    assert (
        "Quality is not measured: What do corrupted pretraining images cost? Add quality to lenses "
        "in the study's config." in page.text
    )
    # and it has no section
    assert "quality" not in page.ids


def test_damaged_cards_leave_the_rest(study):
    add_cards(study, {"target": "a", "headline": "none"}, card("b", "pretrain", "Pretrain on B."))
    text = Page(written(study)).text
    assert "decision.json has a card of another version, or none; it is not shown" in text
    assert "Pretrain on B." in text


def test_a_page_runs_only_the_script_and_style_of_its_policy(study):
    add_all(study)
    html = written(study)
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html
    # the policy would drop it
    assert not [one for one in Page(html).elements if "style" in one]


def test_what_scrolls_can_be_reached_and_has_a_name(study):
    add_all(study)
    page = Page(written(study))
    scrolling = [one for one in page.elements if one.get("class") in ("scroll", "picture")]
    assert len(scrolling) > 5
    for one in scrolling:
        assert one["tabindex"] == "0"
        assert one["role"] == "region"
        assert one["aria-label"].strip()
    drawings = [one for one in page.elements if one.get("role") == "img"]
    assert len({one["aria-label"] for one in drawings}) == len(drawings)


def test_pictures_say_their_numbers(study):
    page = Page(written(study))
    alternatives = [one["alt"] for one in page.elements if "alt" in one]
    assert "Figure quantity, top1. a: 40.12; b: 60." in alternatives
    charts = [one["aria-label"] for one in page.elements if one.get("role") == "img"]
    assert any("SimCLR on 10k images: 46.0, 56.0 % with 100, 1,000 labels" in one for one in charts)


def test_numbers_can_be_saved_from_the_page_alone(study):
    page = Page(written(study))
    saved = {
        one["download"]: base64.b64decode(one["href"].partition(",")[2])
        for one in page.elements
        if "download" in one
    }
    results = study / "results" / "planted"
    assert saved == {
        "quantity.csv": (results / "figures" / "quantity.csv").read_bytes(),
        "planted_metrics.csv": (results / "metrics.csv").read_bytes(),
    }


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.0, 7.2], (0.0, 2.0, 4.0, 6.0, 8.0)),
        ([-22.0, 4.0], (-30.0, -20.0, -10.0, 0.0, 10.0)),
        ([0.0], (-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6)),
        ([99.9, 100.0], (99.9, 99.92, 99.94, 99.96, 99.98, 100.0)),
    ],
)
def test_axes_end_at_round_numbers(values, ticks):
    axis = axis_through(values, 0, 100)
    assert axis.ticks == ticks
    assert (axis.at(ticks[0]), axis.at(ticks[-1])) == (0, 100)


def test_tabs_and_what_can_be_pressed_are_in_the_order_of_the_page(study):
    """One tab of a list can be reached with the tab key, the arrow keys lead to the others; nothing
    is reached out of its turn; a figure opens larger in a dialog of the page."""
    add_cards(study, card("a", "pretrain", "Pretrain on A."), card("b", "labels", "Train on B."))
    page = Page(written(study))
    elements = page.elements
    tabs = [one for one in elements if one.get("role") == "tab"]
    panels = [one for one in elements if one.get("class") == "panel"]
    assert len(tabs) > 1
    assert [one["aria-controls"] for one in tabs] == [one["id"] for one in panels]
    assert [one.get("tabindex") for one in tabs] == [None, *["-1"] * (len(tabs) - 1)]
    assert [one["aria-selected"] for one in tabs] == ["true", *["false"] * (len(tabs) - 1)]
    assert {one["tabindex"] for one in elements if "tabindex" in one} <= {"0", "-1"}
    (first, *_) = [one for one in elements if "href" in one]
    assert first["class"] == "skip"
    assert page.ids.count("larger") == 1


def test_the_chart_stands_between_the_answer_and_the_questions(study):
    """So that a keyboard meets it where the eye does."""
    charts = written(study).count('class="chart"')
    assert charts > 0
    add_cards(study, card("a", "pretrain", "Pretrain on A."))
    html = written(study)
    places = [html.index(f'class="{name}"') for name in ("card-answer", "chart", "card-rest")]
    assert places == sorted(places)
    assert html.count('class="chart"') == charts  # those without a card too

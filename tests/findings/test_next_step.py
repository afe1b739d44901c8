"""The next step with most effect: its rule, and every form of a card."""

import json
from dataclasses import asdict, replace

import pytest

from fourlenses.findings.answer import next_step
from fourlenses.findings.card import NextStep, Unmeasured
from fourlenses.findings.show import html, markdown, terminal
from fourlenses.lenses import conclusions
from tests.findings.test_answer import contest, line, planted
from tests.helpers.planted_findings import CERTAIN, seen

MARGIN = 2.0


def missing(question, cost="about an hour"):
    return Unmeasured(question=question, title="Q?", what="this", add=f"add {question}", cost=cost)


def opened(one, *, half, seed_share, estimate=0.0):
    """A line whose interval holds 0 and more than the margin."""
    return replace(
        one,
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        answer="cannot tell",
        sense=None,
        seed_share=seed_share,
    )


def step(lines, unmeasured=()):
    return next_step.of(lines, unmeasured, margin=MARGIN, study="mine")


def other(sense, **more):
    return replace(line("contest", 500, sense, **more), question="other_encoder")


def test_seeds_that_shrink_an_interval_enough():
    """Of a variance of 4 all is between seeds; to be within 2 of 0 it may be at most 1 in a half
    of 4: four times the seeds. With half of it the images', no number of seeds does."""
    wide = opened(other(None), half=2.5, seed_share=1.0)
    found = step([wide])
    assert found.step == "more seeds"
    assert found.seeds == 5  # 3 x (2.5 / 2)^2 = 4.7
    assert found.what == "about 5 seeds in place of 3"
    assert found.answers == ["other_encoder"]
    assert step([replace(wide, seed_share=0.8)]).seeds == 6  # 3 x 0.8 / (0.64 - 0.2) = 5.5
    images = step([replace(wide, seed_share=0.1)])
    assert (images.step, images.what) == (
        "more test images",
        "about 2 times the test images, where there are more",  # 0.9 / (0.64 - 0.1) = 1.7
    )
    assert step([opened(other(None), half=9.0, seed_share=1.0)]) is None
    assert step([replace(wide, seed_share=None)]) is None


def test_below_three_seeds_three_come_first():
    leaning = replace(contest(500, 1, seeds=1), answer="leans: pretraining leads")
    found = step([leaning], [missing("corruption")])
    assert (found.seeds, found.what) == (3, "3 seeds in place of 1")


def test_what_the_headline_lacks_comes_before_what_answers_more():
    several = [opened(other(None), half=2.5, seed_share=1.0)]
    several += [replace(several[0], question="added"), replace(several[0], question="pool")]
    decided = [contest(500, 1), *several]
    assert step(decided, [missing("contest")]).what == "add contest"
    assert step(decided, [missing("corruption")]).step == "more seeds"
    undecided = opened(contest(500, None), half=2.5, seed_share=1.0)
    assert step([undecided], [missing("corruption")]).answers == ["contest"]
    # a comparison that is open where another option wins anyway is nothing that the headline lacks
    won = [undecided, line("downloaded", 500, 1), line("download_or_labels", 500, 1)]
    assert step(won, [missing("continued")]).answers == ["continued"]


def test_encoders_that_are_hardly_trained_come_before_all_where_all_are():
    untrained = replace(other(None), answer="not trained enough to tell")
    assert step([untrained], [missing("contest")]).step == "train longer"
    assert step([untrained, other(-1)], [missing("contest")]).step == "add"


@pytest.mark.parametrize("lines", [[], [contest(500, 1)]])
def test_where_nothing_is_open_there_is_no_step(lines):
    assert step(lines) is None


def test_a_card_names_the_missing_option_with_its_price():
    found = step([contest(500, 1)], [missing("corruption"), missing("downloaded", "a day")])
    assert found == NextStep(
        step="add", what="add downloaded", answers=["downloaded"], cost="a day"
    )


def test_a_cell_of_the_table_is_a_number_its_interval_and_its_way():
    assert html._parts("26.8 (23.9 to 30.0) fine-tuned") == ["26.8", "(23.9 to 30.0)", "fine-tuned"]
    assert html._parts("-1.5 (-4.3 to +1.3)") == ["-1.5", "(-4.3 to +1.3)"]
    assert html._parts("–") == ["–"]


def test_a_command_is_code_in_a_page_and_nothing_else_is_markup():
    assert html._with_code("cost: `make plan A=<b>`, then <i>") == (
        "cost: <code>make plan A=&lt;b&gt;</code>, then &lt;i&gt;"
    )
    assert html._with_code("an odd ` one") == "an odd ` one"


def test_a_step_is_in_every_form_of_a_card():
    """Not fine-tuned, so that the headline lacks the contest."""
    (card,) = conclusions.cards(seen(planted((None, None), (30.0, 60.0))), CERTAIN)
    assert card.next_step.answers == ["contest"]
    entry = json.loads(json.dumps(asdict(card)))
    said = (
        "Fine-tune the encoders too (protocol fine_tune). It can answer: Pretrain on your images, "
        "or labels alone?"
    )
    for text in (markdown.cards([entry]), html.cards([entry]), terminal.cards([entry], width=100)):
        words = " ".join(text.split())
        assert "Next step with most effect:" in words
        assert said in words
        # and where to write it
        assert "In studies/planted.yaml:" in words
        keys = "quantity: {more: [{datasets: [a], protocols: [linear, fine_tune], baselines:"
        assert keys in words
    none = html.cards([entry | {"next_step": None}])
    assert "Next step" not in none

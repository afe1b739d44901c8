"""What is not measured: the keys to add are a config that can be run, and have a price."""

import json
from dataclasses import replace

import pytest

from fourlenses.config.read import read_config
from fourlenses.core.files import write_json
from fourlenses.findings.answer import conditions, unmeasured
from fourlenses.findings.card import Card, Headline, Table, Unmeasured
from fourlenses.findings.questions import QUESTIONS, Missing
from fourlenses.findings.show import html, markdown, terminal
from fourlenses.lenses.plan import make_plan
from fourlenses.lenses.registry import card_of
from fourlenses.remedies import overlays, price, priced
from fourlenses.study.vocabulary import LENSES

SHARED = ["contest", *(q for lens in LENSES if (card := card_of(lens)) for q in card.MISSING)]
OF_ENCODERS = ("downloaded", "download_or_labels", "continued")


@pytest.fixture(scope="module")
def quantity_alone(tmp_path_factory):
    """A study of one lens and one protocol on two datasets."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "mine.yaml").write_text(
        "study: mine\nlenses: [quantity]\nquantity: {pretrain_images: [all], baselines: [], "
        "more: [], convergence: []}\n"
    )
    return read_config([folder / "mine.yaml"])


def has(config, target="scenes"):
    return overlays.own(make_plan(config), target, 3000)


def test_what_a_study_has_of_a_target(quantity_alone):
    found = has(quantity_alone)
    assert (found.method, found.images, found.labels) == ("simclr", "all", [500, "all"])
    assert found.others == ["landcover"]
    assert overlays.own(make_plan(quantity_alone), "species", 3000) is None


def test_every_question_that_may_be_open_has_a_remedy():
    assert set(SHARED) <= set(overlays.REMEDIES) <= set(QUESTIONS)


@pytest.mark.parametrize("question", [q for q in overlays.REMEDIES if q not in OF_ENCODERS])
def test_the_keys_are_a_config_that_can_be_planned_and_priced(quantity_alone, question, tmp_path):
    keys = overlays.overlay(question, quantity_alone, has(quantity_alone))
    lines = priced.in_yaml(keys)
    (tmp_path / "mine.yaml").write_text(
        "study: mine\nlenses: [quantity]\nquantity: {pretrain_images: [all], baselines: [], "
        "more: [], convergence: []}\n"
    )
    (tmp_path / "added.yaml").write_text("\n".join(lines) + "\n")
    config = read_config([tmp_path / "mine.yaml", tmp_path / "added.yaml"])
    assert len(make_plan(config).cells) > len(make_plan(quantity_alone).cells)
    cost = price.Prices(quantity_alone, tmp_path).of(config)
    assert cost.seconds > 0
    assert f"by the speeds of {cost.device}" in cost.in_words()
    seeds = len(config["seeds"])
    pretrainings = cost.jobs.get(price.NOUNS["pretrain"], 0)
    assert pretrainings % seeds == 0
    expected = {
        "contest": 1,  # the encoder that scratch begins with, untrained, costs nothing
        "doubling": 1,
        "other_encoder": 0,  # both datasets have theirs
        "added": 2,  # the pool, and of each its share alone
        "pool": 1,
        "corruption": 1,
    }
    assert pretrainings // seeds >= expected[question] - (question == "contest")


def test_a_lens_that_is_there_keeps_what_it_has(quantity_alone):
    """An entry of `more` is of the target alone, so that no other dataset is measured again."""
    before = quantity_alone["quantity"] | {"more": [{"methods": ["byol"]}]}
    config = quantity_alone | {"quantity": before}
    for question in ("contest", "doubling"):
        keys = overlays.overlay(question, config, has(quantity_alone))
        assert list(keys["quantity"]) == ["more"]
        first, second = keys["quantity"]["more"]
        assert (first, second["datasets"]) == ({"methods": ["byol"]}, ["scenes"])
    assert second["pretrain_images"] == [1500, "all"]
    domain = quantity_alone["domain"] | {"datasets": ["landcover", "species"], "pools": []}
    config = quantity_alone | {"lenses": ["quantity", "domain"], "domain": domain}
    keys = overlays.overlay("added", config, has(quantity_alone))["domain"]
    assert keys["datasets"] == ["landcover", "species", "scenes"]
    assert (keys["pools"], keys["pool_images"]) == ([["scenes", "landcover"]], 1500)
    assert "labelled_images" not in keys


def test_an_encoder_to_download_is_for_the_user_to_choose(quantity_alone):
    for question in OF_ENCODERS:
        assert overlays.overlay(question, quantity_alone, has(quantity_alone)) is None


def finish(prices, name, factor):
    """A record of a finished pretraining, which took so many times what was planned."""
    job = prices._before.all[f"pretrain/{name}"]
    record = job.outputs[0].with_name("run.json")
    record.parent.mkdir(parents=True)
    write_json(record, {"wall_time_seconds": factor * job.seconds, "effective": {}})
    return factor * job.seconds


def test_finished_jobs_say_what_others_take(quantity_alone, tmp_path):
    """The encoder on corrupted images costs what the one on clean images took."""
    before = price.Prices(quantity_alone, tmp_path)
    keys = overlays.overlay("corruption", quantity_alone, has(quantity_alone))
    added = overlays.laid_over(quantity_alone, keys)
    planned = before.of(added)
    taken = finish(before, "simclr/scenes-all/seed0", 3.0)
    measured = price.Prices(quantity_alone, tmp_path).of(added)
    assert measured.seconds > planned.seconds
    assert measured.seconds >= len(quantity_alone["seeds"]) * taken
    assert measured.jobs == planned.jobs
    assert measured.in_words().endswith("by what jobs here took")


def test_a_job_that_was_only_start_up_corrects_no_other_kind(quantity_alone, tmp_path):
    """Of jobs of milliseconds that took seconds nothing follows for long ones."""
    short = {**quantity_alone, "methods": {**quantity_alone["methods"]}}
    short["methods"]["simclr"] = {**short["methods"]["simclr"], "epochs": 0.001}
    before = price.Prices(short, tmp_path)
    keys = overlays.overlay("contest", short, has(short))
    planned = before.of(overlays.laid_over(short, keys))
    finish(before, "simclr/scenes-all/seed0", 1000.0)
    again = price.Prices(short, tmp_path).of(overlays.laid_over(short, keys))
    assert again == planned


def card_of_scenes() -> Card:
    lacking = {
        "corruption": Missing(
            "the cost of poorer images",
            "add the lens quality",
            ("quality: {datasets: [{target}]}",),
        )
    }
    return Card(
        study="mine",
        target="scenes",
        title="scenes",
        headline=Headline(answer="open", sentence="Cannot tell.", because=[], leans=False),
        conditions="",
        warnings=[],
        table=Table(labels=[], rows=[], differences=[]),
        questions=[],
        unmeasured=unmeasured.of(lacking, study="mine", target="scenes"),
        setting="",
    )


def recorded(config, folder):
    file = folder / "results" / "mine" / "study.json"
    file.parent.mkdir(parents=True)
    write_json(file, {"study": "mine", "config": config, "cells": []})
    return file


def test_keys_and_price_are_in_every_form_of_a_card(quantity_alone, tmp_path):
    record = recorded(quantity_alone, tmp_path)
    (card,) = priced.priced([card_of_scenes()], record, images={"scenes": 3000})
    (one,) = card.unmeasured
    assert one.config[0] == "lenses: [quantity, quality]"
    assert one.config[1].startswith("quality: {datasets: [scenes], methods: [simclr], ")
    assert one.cost.startswith("about ")
    entry = json.loads(json.dumps(card, default=lambda value: value.__dict__))
    text = markdown.cards([entry])
    assert f"`{one.config[1]}`" in text
    assert one.cost in text
    assert f"<code>{one.config[0]}</code>" in html.cards([entry])
    assert one.cost in " ".join(terminal.cards([entry], width=100).split())


def test_without_a_record_the_command_says_it(quantity_alone, tmp_path):
    (card,) = priced.priced([card_of_scenes()], tmp_path / "study.json", images={})
    assert card == card_of_scenes()
    assert card.unmeasured[0].cost == "`make plan STUDY=mine` prices it once it is added"
    # and an example stands for the keys
    assert card.unmeasured[0].config == ["quality: {datasets: [scenes]}"]
    # nor where the sizes of datasets are not known
    unknown = {"source": "image_folder", "path": "scenes"}
    config = quantity_alone | {"datasets": quantity_alone["datasets"] | {"scenes": unknown}}
    (card,) = priced.priced([card_of_scenes()], recorded(config, tmp_path), images={"scenes": 3000})
    assert card.unmeasured[0].cost == card_of_scenes().unmeasured[0].cost
    assert card.unmeasured[0].config


def test_a_record_of_another_version_has_no_prices(tmp_path):
    file = tmp_path / "results" / "mine" / "study.json"
    file.parent.mkdir(parents=True)
    for text in ("", "[]", "{}", '{"study": "mine", "config": {"stored_size": 32}}'):
        file.write_text(text)
        assert priced.priced([card_of_scenes()], file, images={}) == [card_of_scenes()]


def test_the_most_images_are_those_of_the_target():
    rows = [("a", "a-all", 3000), ("a", "b-all", 9000), ("a", "a-500", 500), ("b", "none", 0)]
    assert priced.most_images(rows) == {"a": 3000}


def test_an_entry_that_is_not_allowed_stays_as_it_was(quantity_alone, tmp_path):
    """`downsample` to a side that is stored anyway changes no image."""
    quality = quantity_alone["quality"] | {"corruptions": ["resize256"]}
    record = recorded(quantity_alone | {"quality": quality}, tmp_path)
    (card,) = priced.priced([card_of_scenes()], record, images={"scenes": 3000})
    assert isinstance(card.unmeasured[0], Unmeasured)
    assert replace(card, unmeasured=card_of_scenes().unmeasured) == card_of_scenes()
    assert card.unmeasured == card_of_scenes().unmeasured


def test_few_seeds_have_a_price(quantity_alone, tmp_path):
    record = recorded(quantity_alone | {"seeds": [1]}, tmp_path)
    (few,) = conditions.few_seeds(1)
    card = replace(card_of_scenes(), warnings=[few, "Another."])
    (found,) = priced.priced([card], record, images={"scenes": 3000})
    said = f"{few} To add, write into studies/mine.yaml: seeds: [1, 0, 2]; cost: about "
    assert found.warnings[0].startswith(said)
    assert found.warnings[1] == "Another."
    assert overlays.more_seeds({"seeds": [0, 5]}) == {"seeds": [0, 5, 1]}
    assert overlays.more_seeds({"seeds": [0, 1, 2]}) is None

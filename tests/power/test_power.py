"""What a study can settle, from its config: pages, files, pilots, and errors."""

import csv

import pytest

from fourlenses.core.errors import UserError
from fourlenses.findings.show import planned
from fourlenses.lenses.plan import make_plan
from fourlenses.power import write
from fourlenses.power.power import power_of


def test_more_seeds_make_half_widths_narrower_and_the_page_says_what_would_do(config, plan):
    few = power_of(config, plan)
    config["seeds"] = list(range(12))
    many = power_of(config, make_plan(config))
    for before, after in zip(few.comparisons, many.comparisons, strict=True):
        assert before.answer.key == after.answer.key
        assert after.answer.half < before.answer.half
        assert after.chance >= before.chance
    text = write.page(few)
    assert text.index("cannot settle") < text.index("As stated".lower()) < text.index("| target |")
    unsettled = [one for one in few.comparisons if not one.settled and one.seeds_needed]
    assert unsettled
    assert f"{max(one.seeds_needed for one in unsettled)} seeds" in text


def test_one_seed_settles_nothing(config):
    config["seeds"] = [0]
    power = power_of(config, make_plan(config))
    assert not any(one.settled for one in power.comparisons)
    assert "**This study cannot settle anything**: it has 1 seed," in write.page(power)
    assert all(one.chance == 0 for one in power.comparisons if one.chance is not None)


def test_sizes_of_unequal_steps_are_confounded_before_anything_is_trained(config):
    config["methods"]["simclr"] |= {"epochs": 2, "warmup_epochs": 0}
    for key in ("steps", "warmup_steps"):
        config["methods"]["simclr"].pop(key)
    power = power_of(config, make_plan(config))
    quantity = [one for one in power.comparisons if one.answer.key.question == "quantity"]
    assert {one.answer.excluded for one in quantity} == {"confounded"}
    assert "- finding quantity: 1 of 1 comparison. Confounded." in write.page(power)


def test_what_is_written_is_what_findings_read_back(config, plan, tmp_path):
    power = power_of(config, plan)
    write.write(power, tmp_path / "power")
    expected = {(one.answer.key, one.answer.unit): one.answer.half for one in power.comparisons}
    assert planned.read(tmp_path) == pytest.approx(expected, abs=1e-4)
    with open(tmp_path / "power.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["settled"] for row in rows if row["threshold"]} <= {"yes", "no"}
    (tmp_path / "power.csv").write_text("question,target\ndomain,a\n")
    with pytest.raises(UserError, match=r"power.csv is damaged .* snakemake plan"):
        planned.read(tmp_path)


def test_a_pilot_that_is_not_there(config, plan):
    config["plan"]["pilot"] = "results/nothing"
    with pytest.raises(UserError, match=r"'plan.pilot' names results/nothing, where there is no"):
        power_of(config, plan)

"""How many trainings had not converged: one count, and what it counts."""

import pandas as pd
import yaml

from fourlenses.findings.answer import convergence
from fourlenses.findings.decision import NO_CONTEST
from fourlenses.lenses.registry import card_of
from fourlenses.study.vocabulary import LENSES
from tests.helpers.copied_house import ROOT

COLUMNS = (
    *("method", "source", "run", "protocol", "target"),
    *("labelled_images", "label_draw", "not_converged"),
)


def row(source: str, protocol: str, said: str, labels: int = 500, method: str = "simclr") -> tuple:
    return (method, source, f"{method}/{source}/seed0", protocol, "a", labels, 0, said)


def sentences(*rows: tuple) -> list[str]:
    return convergence.sentences(pd.DataFrame(rows, columns=COLUMNS))


def test_each_training_counts_once():
    assert sentences(
        row("a-100", "linear", "pretraining"),
        row("a-100", "linear", "pretraining", labels=4000),  # the same pretraining
        row("a-100~b-100", "linear", "pretraining"),  # and again, with another
        row("b-100", "linear", ""),
        row("a-100", "fine_tune", "pretraining;training"),
        row("a-100", "fine_tune", "pretraining", labels=4000),
        row("a-100", "scratch", "training", method="supervised"),
        row("rn50", "linear", "", method="external"),
        row("none", "linear", "", method="random"),
    ) == [
        "The loss still fell at the end of 1 of 2 pretrainings and 2 of 3 trainings on labels: "
        "longer ones may differ."
    ]


def test_where_none_fell_or_it_is_not_known_nothing_is_said():
    assert sentences(row("a-100", "linear", "")) == []
    former = pd.DataFrame([row("a-100", "linear", "")], columns=COLUMNS)
    assert convergence.sentences(former.drop(columns="not_converged")) == []


def test_examples_of_what_to_add_are_keys_of_a_config():
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    modules = [module for lens in LENSES if (module := card_of(lens))]
    missing = [NO_CONTEST, *(one for module in modules for one in module.MISSING.values())]
    assert all(one.example for one in missing)
    for line in (line for one in missing for line in one.example):
        ((section, keys),) = yaml.safe_load(line.replace("{target}", "birds")).items()
        if section == "methods":
            assert set(keys["simclr_continued"]) == {"preset", "start"}
            continue
        entries = keys.get("more", [keys])
        assert {key for entry in entries for key in entry} <= {*config[section]}

"""What all sentences of a card rest on: encoder, pixels, protocol, seeds, floor, thresholds."""

import pandas as pd

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.answer import convergence
from fourlenses.findings.finding import seed_note
from fourlenses.findings.thresholds import Thresholds
from fourlenses.study import names


def setting(rows: pd.DataFrame, evidence: Evidence, thresholds: Thresholds) -> str:
    """Return what a card rests on, in a few sentences.

    Args:
        rows: of one target at its finest level, as `selection.finest` returns them.
        evidence: the study's table.
        thresholds: of the study's config.
    """
    trained = rows[rows["method"] != "random"]
    floors = _floors(rows, evidence)
    tests = f"{words.images(int(rows['n_test'].iloc[0]))} test images"
    sentences = [
        encoders_sentence(rows),
        seed_note(evidence, int(trained["seed"].nunique())),
        f"{tests}; {words.listed(floors)}." if floors else f"{tests}.",
        _answers_sentence(thresholds),
        *convergence.sentences(rows),
    ]
    return " ".join(sentences)


def _floors(rows: pd.DataFrame, evidence: Evidence) -> list[str]:
    """The random encoder's accuracies and chance, where they are known."""
    random = selection.linear(rows[rows["method"] == "random"])
    accuracies = [
        f"{evidence.mean(cell).estimate:.1f} % with {words.images(int(labels))} labels"
        for (labels,), cell in selection.groups(random, ["labelled_images"])
    ]
    known = [f"the random encoder {words.listed(accuracies)}"] if accuracies else []
    chance = rows["chance"].dropna()
    return known + ([f"chance {chance.iloc[0]:.1f} %"] if len(chance) else [])


def _answers_sentence(thresholds: Thresholds) -> str:
    worth, alike, trained = (
        words.margin(points)
        for points in (
            thresholds.worthwhile_gain,
            thresholds.equivalence_margin,
            thresholds.trained_margin,
        )
    )
    return (
        "Better, worse, costs, helps and leads are about a difference of 0, and hold together at "
        f"95 % (Holm). Worth it: more than {worth}. No difference: within {alike}. Trained enough "
        f"to tell: above the random encoder by more than {trained} and more than the interval."
    )


def encoders_sentence(rows: pd.DataFrame) -> str:
    """Return backbone, pixels and protocol."""
    own = table.own_encoders(rows)
    encoders = f"Encoders: {names.backbone(own['backbone'].iloc[0])}, {words.pixels(own)}."
    return f"{encoders} A linear classifier on frozen features, unless said otherwise."


def study_setting(evidence: Evidence) -> str:
    """Return what the findings of a study rest on: encoders, test images of each target, seeds."""
    metrics = evidence.metrics
    tests = metrics.groupby("target")["n_test"].first()
    tested = words.listed(
        [f"{words.images(int(count))} of {names.dataset(name)}" for name, count in tests.items()]
    )
    seeds = int(metrics.loc[metrics["method"] != "random", "seed"].nunique())
    return f"{encoders_sentence(metrics)} Test images: {tested}. {seed_note(evidence, seeds)}"

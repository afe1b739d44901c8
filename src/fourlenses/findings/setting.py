"""What all sentences of a card rest on, in a few of its own: encoder, pixels, protocol, seeds, floor, thresholds."""

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.finding import seed_note
from fourlenses.findings.thresholds import Thresholds
from fourlenses.study import names


def setting(rows: pd.DataFrame, evidence: Evidence, thresholds: Thresholds) -> str:
    """rows: of one target at its finest level, as `selection.finest` gives them."""
    trained = rows[rows["method"] != "random"]
    floor = [
        f"{evidence.mean(cell).estimate:.1f} % with {words.images(int(labels))} labels"
        for (labels,), cell in selection.groups(
            selection.linear(rows[rows["method"] == "random"]), ["labelled_images"]
        )
    ]
    chance = (
        pd.to_numeric(rows["chance"], errors="coerce").dropna()
        if "chance" in rows
        else pd.Series(dtype=float)
    )
    known = [f"the random encoder {words.listed(floor)}"] if floor else []
    known += [f"chance {chance.iloc[0]:.1f} %"] if len(chance) else []
    seeds = int(trained["seed"].nunique()) if len(trained) else 0
    sentences = [
        encoders_sentence(rows),
        seed_note(evidence, seeds),
        f"{words.images(int(rows['n_test'].iloc[0]))} test images"
        + (f"; {words.listed(known)}." if known else "."),
        f"Better, worse, costs, helps and leads are about a difference of 0, and hold together at 95 % (Holm). Worth it: more than "
        f"{words.margin(thresholds.worthwhile_gain)}. No difference: within "
        f"{words.margin(thresholds.equivalence_margin)}. Trained enough to tell: above the random encoder by more than "
        f"{words.margin(thresholds.trained_margin)} and more than the interval.",
    ]
    encoders = trained[~trained["protocol"].isin(selection.SCRATCH_WORDS)]
    falling = (
        encoders[encoders["not_converged"].astype(str).str.contains("pretraining")]
        if "not_converged" in encoders
        else encoders[:0]
    )
    if len(falling):
        sentences.append(
            f"Of {encoders['run'].nunique()} encoders {falling['run'].nunique()} had not converged: their loss still fell at its end."
        )
    return " ".join(sentences)


def encoders_sentence(rows: pd.DataFrame) -> str:
    """Backbone, pixels, protocol."""
    backbone = names.backbone(rows["backbone"].iloc[0])
    return f"Encoders: {backbone}, {words.pixels(rows)}. A linear classifier on frozen features, unless said otherwise."


def study_setting(evidence: Evidence) -> str:
    """What the findings of a study rest on: encoders, test images of each target, seeds."""
    metrics = evidence.metrics
    tests = metrics.groupby("target")["n_test"].first()
    tested = words.listed(
        [
            f"{words.images(int(count))} of {names.dataset(target)}"
            for target, count in tests.items()
        ]
    )
    seeds = int(metrics.loc[metrics["method"] != "random", "seed"].nunique())
    return f"{encoders_sentence(metrics)} Test images: {tested}. {seed_note(evidence, seeds)}"

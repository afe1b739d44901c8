"""What all sentences of a card rest on, in a few of its own: encoder, pixels, protocol, seeds, floor, thresholds."""

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.finding import seed_note
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import names


def setting(rows: pd.DataFrame, evidence: Evidence, thresholds: Thresholds, answers: int) -> str:
    """rows: of one target at its finest level, as `selection.finest` gives them."""
    trained = rows[rows["method"] != "random"]
    labels = rows["labelled_images"].max()
    at_most = rows[rows["labelled_images"] == labels]
    random = selection.linear(at_most[at_most["method"] == "random"])
    floor = []
    if len(random):
        found = evidence.mean(random)
        floor.append(f"a random encoder {found.estimate:.1f} %")
    chance = pd.to_numeric(rows["chance"], errors="coerce").dropna() if "chance" in rows else pd.Series(dtype=float)
    if len(chance):
        floor.append(f"chance {chance.iloc[0]:.1f} %")
    seeds = int(trained["seed"].nunique()) if len(trained) else 0
    sentences = [
        f"Encoders: {names.backbone(rows['backbone'].iloc[0])}, {words.pixels(rows)}. A linear classifier on frozen features, unless said "
        "otherwise.",
        seed_note(evidence, seeds),
        f"{words.images(int(rows['n_test'].iloc[0]))} test images"
        + (f"; with {words.images(int(labels))} labels {words.listed(floor)}." if floor else "."),
        f"Answers hold together at 95 % (Holm). Worth it: more than {words.margin(thresholds.worthwhile_gain)}. No difference: within "
        f"{words.margin(thresholds.equivalence_margin)}. Trained enough to tell: above the random encoder by more than "
        f"{words.margin(thresholds.trained_margin)} and more than the interval.",
    ]
    encoders = trained.drop_duplicates("run")
    falling = sum(selection.not_converged(rows) for _, rows in encoders.groupby("run"))
    if falling:
        sentences.append(f"Of {len(encoders)} encoders {falling} had not converged: their loss still fell at its end.")
    return " ".join(sentences)

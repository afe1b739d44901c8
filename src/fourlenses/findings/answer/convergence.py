"""How many trainings behind some rows had not converged: one count, and what it counts."""

import pandas as pd

from fourlenses.findings import words
from fourlenses.study import names
from fourlenses.study.vocabulary import FROM_SCRATCH, TRAINING_PROTOCOLS, UNTRAINED

# What one training on labels is, whatever it was evaluated at.
ON_LABELS = ["run", "protocol", "target", "labelled_images", "label_draw"]


def sentences(rows: pd.DataFrame) -> list[str]:
    """Return that losses still fell at the end, with the counts; nothing where none did, or the
    table does not say it.

    Each seed counts. A pretraining counts once, and not again where its features are concatenated
    with others; a training on labels (from scratch or fine-tuned) once for each number of labels.

    Args:
        rows: of a study's table, of one target or all.
    """
    if "not_converged" not in rows:
        return []
    falling = rows["not_converged"].astype(str).str.split(";")
    pretrained = ~rows["protocol"].isin(FROM_SCRATCH) & ~rows["method"].isin(UNTRAINED)
    pretrained &= ~rows["source"].map(names.is_concatenated).astype(bool)
    kinds = [
        ("pretraining", rows[pretrained].assign(falling=falling), ["run"], "pretrainings"),
        (
            "training",
            rows[rows["protocol"].isin(TRAINING_PROTOCOLS)].assign(falling=falling),
            ON_LABELS,
            "trainings on labels",
        ),
    ]
    parts = []
    for word, trainings, keys, name in kinds:
        still = trainings[[word in found for found in trainings["falling"]]]
        count, total = (len(some.drop_duplicates(keys)) for some in (still, trainings))
        if count:
            parts.append(f"{count} of {total} {name}")
    if not parts:
        return []
    return [f"The loss still fell at the end of {words.listed(parts)}: longer ones may differ."]

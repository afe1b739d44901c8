"""Which rows of a study's table are compared."""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis import table
from fourlenses.study import entry_of, methods, names
from fourlenses.study.vocabulary import FROM_SCRATCH, PROTOCOLS

EQUAL_STEPS = (
    1.02  # batches of sets of different sizes do not divide alike: within 2 % the steps are equal
)
SETTING = ["target", "level", "labelled_images"]


def described(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows of single encoders with what selections ask of them: contrastive; in_domain (all that was pretrained on is of the target's own
    dataset); entry (the method entry without the ending of an entry made from it); steps as numbers, 0 where the table has none.

    Of encoders on equally many images of the same datasets (`birds-all` and `birds-3000`, where it has 3,000) the first one.
    """
    rows = metrics[~metrics["source"].map(names.is_fused).astype(bool)]
    alike = rows[[key for key in table.IDENTITY if key != "source"]].assign(
        of=rows["source"].map(lambda source: sorted(names.datasets(source)))
    )
    rows = rows[~alike.astype({"of": str}).duplicated()]
    own = [
        names.is_in_domain(source, target)
        for source, target in zip(rows["source"], rows["target"], strict=True)
    ]
    return rows.assign(
        contrastive=rows["method"].map(methods.is_contrastive).astype(bool),
        in_domain=pd.Series(own, rows.index, bool),
        entry=rows["method"].map(entry_of),
        steps=step_counts(rows),
    )


def finest(metrics: pd.DataFrame) -> pd.DataFrame:
    return described(table.at_finest(metrics))


def clean(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["corruption"] == "none"]


def linear(rows: pd.DataFrame) -> pd.DataFrame:
    """A linear classifier on frozen features: ours, and where only that was run the one on augmented images."""
    ours = rows[rows["protocol"] == "linear"]
    return ours if len(ours) else rows[rows["protocol"] == "linear_augmented"]


def own_encoders(rows: pd.DataFrame) -> pd.DataFrame:
    """Contrastive encoders of clean images of the target's own dataset."""
    return clean(rows[rows["contrastive"] & rows["in_domain"]])


def groups(rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[tuple, pd.DataFrame]]:
    """Rows by their values of `keys`, in order of first appearance."""
    yield from rows.groupby(keys, sort=False)


def most_labels_first(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each label size, most labels first: the first of which a comparison exists is the one to take."""
    for labelled in sorted(rows["labelled_images"].unique(), reverse=True):
        yield rows[rows["labelled_images"] == labelled]


def random_encoder(metrics: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """The random encoder's rows, under a linear classifier, on the target, level and labels of ``like``."""
    rows = metrics[metrics["method"] == "random"]
    for key in SETTING:
        rows = rows[rows[key] == like[key].iloc[0]]
    return linear(rows)


def step_counts(rows: pd.DataFrame) -> pd.Series:
    """Steps of pretraining of each row as numbers, 0 where the table does not say."""
    steps = rows["steps"] if "steps" in rows else pd.Series(0.0, rows.index)
    return pd.to_numeric(steps, errors="coerce").fillna(0)


def equal_steps(steps: pd.Series) -> bool:
    """Whether all of these encoders were pretrained for equally many steps; not where the table does not say.

    steps: of `step_counts`.
    """
    return bool(steps.min() > 0 and steps.max() <= EQUAL_STEPS * steps.min())


def share_seeds(*sides: pd.DataFrame) -> bool:
    return bool(
        set.intersection(*({*zip(side["seed"], side["label_draw"], strict=True)} for side in sides))
    )


def not_converged(rows: pd.DataFrame) -> bool:
    """Whether the loss of some training behind the rows still fell at its end, where the table says it."""
    return "not_converged" in rows and bool((rows["not_converged"].astype(str) != "").any())


def supervised(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """What labels alone give: training from scratch on the labels there are, and a linear classifier on the features of a supervised
    encoder that saw no more labels than that. Each with its words, a cell each. rows: of one target, level and label size."""
    rows = clean(
        rows[
            rows["in_domain"]
            & (rows["method"].map(lambda name: methods.base(name)) == "supervised")
        ]
    )
    for (protocol,), some in groups(rows[rows["protocol"].isin(SCRATCH_WORDS)], ["protocol"]):
        yield SCRATCH_WORDS[protocol], some
    features = linear(rows[~rows["protocol"].isin(SCRATCH_WORDS)])
    features = features[features["pretrain_images"] <= features["labelled_images"]]
    if len(features):
        most = features[features["pretrain_images"] == features["pretrain_images"].max()]
        first = most.iloc[0]
        yield (
            "a supervised encoder with a linear classifier",
            most[(most["source"] == first["source"]) & (most["method"] == first["method"])],
        )


SCRATCH_WORDS = {name: PROTOCOLS[name].in_words for name in FROM_SCRATCH}

"""Which rows of a study's table are compared."""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis import table
from fourlenses.study import entry_of, methods, names
from fourlenses.study.encoders import split_start
from fourlenses.study.vocabulary import FROM_SCRATCH, PROTOCOLS, method_of

# Batches of sets of different sizes do not divide alike: within 2 % the steps are equal.
EQUAL_STEPS = 1.02
SETTING = ["target", "level", "labelled_images"]


def described(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of single encoders with what selections ask of them.

    Columns are added: contrastive; in_domain (all that was pretrained on is of the target's own
    dataset); entry (the method entry without the ending of an entry made from it); steps as
    numbers, 0 where the table has none. Of encoders on equally many images of the same datasets
    (`birds-all` and `birds-3000`, where it has 3,000) the first one stays.
    """
    rows = metrics[~table.of_names(metrics["source"], names.is_concatenated).astype(bool)]
    of = table.of_names(rows["source"], lambda source: str(sorted(names.domains(source))))
    alike = rows[[key for key in table.IDENTITY if key != "source"]].assign(of=of)
    rows = rows[~alike.duplicated()]
    in_domain = list(map(names.is_in_domain, rows["source"], rows["target"]))
    return rows.assign(
        contrastive=table.of_names(rows["method"], methods.is_contrastive).astype(bool),
        in_domain=pd.Series(in_domain, rows.index, bool),
        entry=table.of_names(rows["method"], entry_of),
        steps=step_counts(rows),
    )


@table.once_per_table
def finest(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the `described` rows at the finest level of each target."""
    return described(table.at_finest(metrics))


def clean(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows after pretraining on images as they are."""
    return rows[rows["corruption"] == "none"]


def linear(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a linear classifier on frozen features; where there are none, of the one
    on augmented images."""
    ours = rows[rows["protocol"] == "linear"]
    return ours if len(ours) else rows[rows["protocol"] == "linear_augmented"]


def own_encoders(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of contrastive encoders of clean images of the target's own dataset."""
    return clean(rows[rows["contrastive"] & rows["in_domain"]])


def from_random_weights(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of encoders that did not start from an external one."""
    return rows[table.of_names(rows["source"], start_of).astype(str) == ""]


def start_of(source: str) -> str:
    """Return the external encoder that a pretraining continued: `birds-all.from_rn50` -> `rn50`;
    empty where it started from random weights."""
    return split_start(source)[1]


def groups(rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[tuple, pd.DataFrame]]:
    """Yield the rows by their values of ``keys``, in order of first appearance."""
    yield from rows.groupby(keys, sort=False)


def most_labels_first(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of each label size, most labels first: the first with a comparison counts."""
    labels = rows["labelled_images"]
    for size in sorted(labels.unique(), reverse=True):
        yield rows[labels == size]


def random_encoder(metrics: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Return the random encoder's rows under a linear classifier, on the target, level and labels
    of other rows."""
    nowhere, by_setting = _random_rows(metrics)
    return linear(by_setting.get(tuple(like[SETTING].iloc[0]), nowhere))


@table.once_per_table
def _random_rows(metrics: pd.DataFrame) -> tuple[pd.DataFrame, dict[tuple, pd.DataFrame]]:
    """Return no rows, and the random encoder's by target, level and labels."""
    rows = metrics[metrics["method"] == "random"]
    return rows[:0], dict(iter(rows.groupby(SETTING)))


def step_counts(rows: pd.DataFrame) -> pd.Series:
    """Return the pretraining steps of each row as numbers, 0 where the table has none."""
    steps = rows["steps"] if "steps" in rows else pd.Series(0.0, rows.index)
    return pd.to_numeric(steps, errors="coerce").fillna(0)


def equal_steps(steps: pd.Series) -> bool:
    """Return whether all of some encoders were pretrained for equally many steps; not where the
    table does not say.

    Args:
        steps: of `step_counts`.
    """
    return bool(steps.min() > 0 and steps.max() <= EQUAL_STEPS * steps.min())


def share_seeds(*sides: pd.DataFrame) -> bool:
    """Return whether some seed and label draw is in the rows of all sides."""
    seeds = ({*zip(side["seed"], side["label_draw"], strict=True)} for side in sides)
    return bool(set.intersection(*seeds))


def not_converged(rows: pd.DataFrame) -> bool:
    """Return whether the loss of some training behind the rows still fell at its end, where the
    table says it."""
    return "not_converged" in rows and bool((rows["not_converged"].astype(str) != "").any())


SCRATCH_WORDS = {name: PROTOCOLS[name].in_words for name in FROM_SCRATCH}


def supervised(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what labels alone give, a cell each, with its words.

    Training from scratch on the labels there are, and a linear classifier on the features of a
    supervised encoder that saw no more labels than that.

    Args:
        rows: of one target and label size, as `described` returns them.
    """
    is_supervised = table.of_names(rows["method"], method_of) == "supervised"
    rows = clean(rows[rows["in_domain"] & is_supervised])
    from_scratch = rows["protocol"].isin(SCRATCH_WORDS)
    for (protocol,), cell in groups(rows[from_scratch], ["protocol"]):
        yield SCRATCH_WORDS[protocol], cell
    features = linear(rows[~from_scratch])
    features = features[features["pretrain_images"] <= features["labelled_images"]]
    if features.empty:
        return
    most = features[features["pretrain_images"] == features["pretrain_images"].max()]
    same_source = most["source"] == most["source"].iloc[0]
    same_method = most["method"] == most["method"].iloc[0]
    yield "a supervised encoder with a linear classifier", most[same_source & same_method]

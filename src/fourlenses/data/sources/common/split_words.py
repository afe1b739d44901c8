"""Words for splits in the names of folders and files and in lists: in any case and form."""

import re
import unicodedata
from functools import cache

TRAIN, VALIDATION, TEST, UNLABELLED = "train", "validation", "test", "unlabelled"
WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation", "holdout"), TEST),
    **dict.fromkeys(
        ("unlabelled", "unlabeled", "unannotated", "unsup", "unsupervised"), UNLABELLED
    ),
    **dict.fromkeys(("pred", "prediction", "predictions", "inference"), UNLABELLED),
}
# Words that say nothing: `train_images`, `TestSet`, `images-val`.
_FILLERS = {
    *("set", "sets", "data", "dataset", "datasets", "split", "splits", "sample", "samples"),
    *("image", "images", "img", "imgs", "pic", "pics", "pictures", "photos", "files", "folder"),
}
# Two words written as one: `trainset`, `valdata`.
_JOINED = re.compile(f"({'|'.join(WORDS)})(?:set|data|dataset|images|imgs|img)")
_CAPITAL = r"(?<=[a-z])(?=[A-Z])"


@cache
def split_of(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the split that a name speaks of, or None, and its other words.

    Words are parted by anything but letters, and by a capital after a small letter: `Train`,
    `TEST_SET`, `val2017`, `seg_train` (whose other word is `seg`). `train_val` is both, for
    training; another name of two splits speaks of none.
    """
    spaced = re.sub(_CAPITAL, " ", unicodedata.normalize("NFKC", name))
    words = [_plain(word) for word in re.split(r"[\W\d_]+", spaced) if word]
    splits = {WORDS[word] for word in words if word in WORDS}
    if splits == {TRAIN, VALIDATION}:
        splits = {TRAIN}
    others = tuple(word for word in words if word not in WORDS and word not in _FILLERS)
    return (splits.pop() if len(splits) == 1 else None), others


def without_split(name: str) -> str:
    """Return a name without the words of a split: `cat` of `cat_train` and of `trainCat`."""
    pieces = re.split(rf"([\W\d_]+|{_CAPITAL})", name)
    # words stand at even places, what parts them at odd ones
    split = {at for at in range(0, len(pieces), 2) if _plain(pieces[at]) in WORDS}
    kept = [
        piece
        for at, piece in enumerate(pieces)
        if at not in split and not (at % 2 and at + (1 if at + 1 in split else -1) in split)
    ]
    return "".join(kept).strip(" _-.")


def _plain(word: str) -> str:
    """Return a word in small letters, without a filler that is written as one with it."""
    small = word.casefold()
    joined = _JOINED.fullmatch(small)
    return joined[1] if joined else small


def speaks_only_of_a_split(name: str) -> bool:
    """Return whether a name is a split's: `Train`, `test_images`; not `seg_train`."""
    split, others = split_of(name)
    return split is not None and not others

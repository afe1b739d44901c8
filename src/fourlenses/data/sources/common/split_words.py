"""Words for splits in the names of folders and files and in lists: in any case and form."""

import re
from functools import cache

TRAIN, VALIDATION, TEST, UNLABELLED = "train", "validation", "test", "unlabelled"
WORDS = {
    **dict.fromkeys(("train", "training", "trn"), TRAIN),
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


@cache
def split_of(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the split that a name speaks of, or None, and its other words.

    Words are parted by anything but letters, and by a capital after a small letter: `Train`,
    `TEST_SET`, `val2017`, `seg_train` (whose other word is `seg`). A name of two splits
    (`train_val`) speaks of none.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [word.casefold() for word in re.split(r"[\W\d_]+", spaced) if word]
    words = [joined[1] if (joined := _JOINED.fullmatch(word)) else word for word in words]
    splits = {WORDS[word] for word in words if word in WORDS}
    others = tuple(word for word in words if word not in WORDS and word not in _FILLERS)
    return (splits.pop() if len(splits) == 1 else None), others


def speaks_only_of_a_split(name: str) -> bool:
    """Return whether a name is a split's: `Train`, `test_images`; not `seg_train`."""
    split, others = split_of(name)
    return split is not None and not others

"""Which folders of a tree of images are splits, and which are classes.

People have `train/<class>/…` with a `Test/` next to it, `seg_train/seg_train/<class>/…`,
`<class>/train/…`, a `train/` alone, test images without labels, classes that are called `train`.
"""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fourlenses.core.errors import UserError, printable
from fourlenses.data.archives.leftovers import MASKS, doubtful
from fourlenses.data.manifest.skipped import Skipped
from fourlenses.data.sources.common.split_words import (
    TRAIN,
    UNLABELLED,
    speaks_only_of_a_split,
    split_of,
    without_split,
)

log = logging.getLogger(__name__)
Parts = tuple[str, ...]
UNUSED = "unused"
# A file that begins with a synset of WordNet, as ImageNet's are called once they are out of their
# folders: `n01440764_tench.JPEG`.
WNID = r"^(n\d{8})_"


class Labelled(NamedTuple):
    """Split and class of every image.

    Attributes:
        splits: train, test, unused, or None: to be drawn.
        classes: "" for what is unused.
    """

    splits: list[str | None]
    classes: list[str]


class Layout:
    """The folders of a dataset.

    Args:
        name: Of the dataset, for errors.
        definition: Its config entry: the keys `given_split`, `test_split`, `class_pattern`.
        path: Of its directory or archive, for errors.
        skipped: Filled with the images that have no split or no class.
    """

    def __init__(self, name: str, definition: dict, path: Path, *, skipped: Skipped) -> None:
        self.name, self.path, self.skipped = name, path, skipped
        self.given = definition.get("given_split")
        self.test_split = definition.get("test_split")
        self.pattern = definition.get("class_pattern")

    def read(self, parts: Sequence[Parts]) -> Labelled:
        """Return split and class of the images of some paths.

        Args:
            parts: Of the paths, without the folders that hold everything.

        Raises:
            UserError: It is not clear what the folders are.
        """
        parts = self._with_classes_of_names(parts)
        if self.given is False:
            return self._without_split(parts)
        split_first = self._class_first(parts) or _classes_with_splits(parts) or parts
        tops = self._splits(split_first)
        if tops:
            return self._with_split(split_first, tops)
        if self.given:
            raise self._error(
                "given_split",
                f"{self.path} has no folder of training images, such as train/<class>/; leave the "
                "key out to have the test images drawn",
            )
        self._check_misplaced(parts)
        self._check_repeated(parts)
        return self._without_split(parts)

    def _with_classes_of_names(self, parts: Sequence[Parts]) -> Sequence[Parts]:
        """Put a folder around each file whose name says its class, as if it lay in one."""
        pattern = self.pattern
        if pattern is None:
            flat = all(
                len(part) == 1 or (len(part) == 2 and speaks_only_of_a_split(part[0]))
                for part in parts
            )
            if not flat or not all(re.search(WNID, part[-1]) for part in parts):
                return parts
            pattern = WNID
        found = [re.search(pattern, part[-1]) for part in parts]
        if not any(found):
            raise self._error(
                "class_pattern",
                f"'{pattern}' is in none of the {len(parts)} names of files in {self.path}, e.g. "
                f"'{printable(parts[0][-1])}'; correct it, or leave it out where folders are the "
                "classes",
            )
        return [
            (
                *(part[:1] if len(part) > 1 and split_of(part[0])[0] else ()),
                *((match[1] if match.re.groups else match[0],) if match else ()),
                part[-1],
            )
            for part, match in zip(parts, found, strict=True)
        ]

    def _class_first(self, parts: Sequence[Parts]) -> list[Parts] | None:
        """Return `<class>/<split>/…` as `<split>/<class>/…`, None where the tree is not so."""
        if any(len(part) < 3 for part in parts):
            return None
        seconds = {part[1] for part in parts}
        splits = {split_of(second)[0] for second in seconds}
        if TRAIN not in splits or len(splits) < 2 or None in splits:
            return None
        if any(speaks_only_of_a_split(part[0]) for part in parts):
            return None
        return [(part[1], part[0], *part[2:]) for part in parts]

    def _splits(self, parts: Sequence[Parts]) -> dict[str, str]:
        """Return the folders at the top that are splits, and which; none where they are classes."""
        tops = list(dict.fromkeys(part[0] for part in parts if len(part) > 1))
        deep = {part[0] for part in parts if len(part) > 2}
        read = {top: split_of(top) for top in tops}
        trains = [top for top in tops if read[top][0] == TRAIN and top in deep]
        if not trains:
            self._check_flat(parts, tops)
            return {}
        # of `train`, `test` and `crash_test` the first two belong together
        others = min((read[top][1] for top in trains), key=len)
        splits = {top: split for top, (split, rest) in read.items() if split and rest == others}
        rest = [top for top in tops if top not in splits]
        if len(set(splits.values())) == 1 and rest and not self.given:
            if others or (not deep.intersection(rest) and len(rest) > 1):
                return {}
            raise self._error(
                "path",
                f"{self.path} has folders in {trains[0]}/, as if these were the training images, "
                f"and next to it '{printable(rest[0])}', which is no split; set 'given_split' to "
                "true to use the first alone, or to false where all of them are classes",
            )
        return splits

    def _check_flat(self, parts: Sequence[Parts], tops: list[str]) -> None:
        """Check that these are no splits without class folders.

        Raises:
            UserError: They are.
        """
        read = {top: split_of(top) for top in tops}
        train = next((top for top in tops if read[top][0] == TRAIN), None)
        together = len({rest for _, rest in read.values()}) == 1
        if train and together and all(split for split, _ in read.values()):
            first = next(part for part in parts if part[0] == train)
            raise self._error(
                "path",
                f"'{printable('/'.join(first))}' in {self.path} lies in no class folder; "
                f"expected {train}/<class>/<image>. {WITHOUT_FOLDERS}",
            )

    def _check_misplaced(self, parts: Sequence[Parts]) -> None:
        """Check that no split is deeper in the tree, where it would make each class twice."""
        leaves = {part[:-1] for part in parts}
        siblings = Counter(
            leaf[:-1] for leaf in leaves if leaf and speaks_only_of_a_split(leaf[-1])
        )
        for leaf in sorted(leaves):
            inside = next(
                (at for at, folder in enumerate(leaf) if speaks_only_of_a_split(folder)), None
            )
            if inside is None or (inside == len(leaf) - 1 and siblings[leaf[:-1]] < 2):
                continue  # the last folder may be a class that is called like a split
            raise self._error(
                "path",
                f"'{printable('/'.join(leaf))}' in {self.path} is or lies in a folder named like a "
                "split, but there is no train/ with classes at the top (beneath at most folders "
                "that hold everything); expected train/<class>/ and val/<class>/, or set "
                "'given_split' to false where that is a class",
            )

    def _check_repeated(self, parts: Sequence[Parts]) -> None:
        """Check that no two folders at the top hold the same classes: `fold1/`, `Treino/`, …

        Raises:
            UserError: They do.
        """
        inside: dict[str, set[str]] = {}
        for part in parts:
            if len(part) > 1:
                inside.setdefault(part[0], set()).add("/".join(part[1:-1]))
        first = next(iter(inside.values()), set())
        if len(inside) < 2 or len(first) < 2 or any(names != first for names in inside.values()):
            return
        tops = ", ".join(f"'{printable(top)}'" for top in sorted(inside)[:3])
        tops += ", …" if len(inside) > 3 else ""
        masks = any(doubtful(name) == MASKS for name in first)
        raise self._error(
            "path",
            f"in {self.path} each of {len(inside)} folders ({tops}) holds the same {len(first)} "
            "classes, so each would be there several times; where they are splits call them train/ "
            "and test/, where they are parts or folds put the images of a class into one folder, "
            "where every folder is a class set 'given_split' to false"
            + ("; where one holds masks move those folders away" if masks else ""),
        )

    def _without_split(self, parts: Sequence[Parts]) -> Labelled:
        loose = [part[-1] for part in parts if len(part) < 2]
        if len(loose) == len(parts):
            raise self._error(
                "path",
                f"'{printable(parts[0][-1])}' in {self.path} lies in no class folder; expected "
                f"<class>/<image> or train/<class>/<image>. {WITHOUT_FOLDERS}",
            )
        self.skipped.add_all("in no class folder", loose, image=True)
        return Labelled(
            [None if len(part) > 1 else UNUSED for part in parts],
            ["/".join(part[:-1]) for part in parts],
        )

    def _with_split(self, parts: Sequence[Parts], tops: dict[str, str]) -> Labelled:
        self._check_twice(tops)
        classes = _without_splits_in_names(_classes(parts, tops), parts, tops)
        known = {classes[row] for row in _rows(parts, tops, TRAIN)} - {""}
        spelled = {_loosely(one): one for one in sorted(known, reverse=True)}
        classes = [one if one in known else spelled.get(_loosely(one), one) for one in classes]
        # the images of a folder none of whose classes is one of training's have no labels
        labelled = {
            top
            for top, split in tops.items()
            if split not in (TRAIN, UNLABELLED)
            and any(
                part[0] == top and one in known for part, one in zip(parts, classes, strict=True)
            )
        }
        test = self._test_of(tops, labelled)
        splits: list[str | None] = []
        for part, one in zip(parts, classes, strict=True):
            splits.append(self._split_of_image(part, one, tops=tops, test=test, labelled=labelled))
        if test is None:
            log.warning("%s: no test images with labels: they are drawn from training's", self.path)
        return Labelled(splits, classes)

    def _split_of_image(
        self, part: Parts, one: str, *, tops: dict[str, str], test: str | None, labelled: set[str]
    ) -> str | None:
        """Return the split of an image; of one that is not used count why."""
        top, name = part[0], "/".join(part)
        if len(part) < 2 or top not in tops:
            self.skipped.add("next to the folders of the splits", name, image=True)
        elif tops[top] == TRAIN or top in labelled:
            if not one:
                self.skipped.add("in no class folder", name, image=True)
            elif tops[top] == TRAIN:
                return None if test is None else TRAIN
            elif tops[top] == tops[test or top]:
                return "test"
            else:
                self.skipped.add(f"of the split '{printable(top)}', not used", name, image=False)
        else:
            self.skipped.add(f"without labels, in '{printable(top)}'", name, image=True)
        return UNUSED

    def _check_twice(self, tops: dict[str, str]) -> None:
        """Check that no split is there under two names; numbered parts of one are fine."""
        for split in set(tops.values()) - {UNLABELLED}:
            names = sorted(top for top, other in tops.items() if other == split)
            if len({re.sub(r"[\W\d_]+", "", top.casefold()) for top in names}) > 1:
                raise self._error(
                    "path",
                    f"{self.path} has the folders {', '.join(names)}, all named like the split "
                    f"'{split}'; keep one, or set 'given_split' to false where they are classes",
                )

    def _test_of(self, tops: dict[str, str], labelled: set[str]) -> str | None:
        """Return a folder of the test images, None where they have to be drawn."""
        wanted = self.test_split
        if wanted is None:
            kinds = {tops[top] for top in labelled}
            if len(kinds) < 2:
                return min(labelled, default=None)
        else:
            of_name = [top for top in labelled if top.casefold() == wanted.casefold()]
            of_kind = [top for top in labelled if tops[top] == split_of(wanted)[0]]
            if of_name or of_kind:
                return (of_name or of_kind)[0]
        have = ", ".join(sorted(tops))
        usable = ", ".join(sorted(labelled))
        raise self._error(
            "test_split",
            f"{self.path} has the folders {have}; "
            + (
                f"set the key to the one that holds the test images ({usable})"
                if labelled
                else "none of them holds test images with labels: leave the key out to have them "
                "drawn"
            ),
        )

    def _error(self, key: str, sentence: str) -> UserError:
        return UserError(f"config key 'datasets.{self.name}.{key}': {sentence}")


WITHOUT_FOLDERS = (
    "Where the names of files say the class, set 'class_pattern'; images without labels are the "
    "source 'unlabelled'"
)


def _classes(parts: Sequence[Parts], tops: dict[str, str]) -> list[str]:
    """Return the class of every image, "" for none: its folders inside the split's.

    Folders that hold all of a split are left out: those of `seg_train/seg_train/<class>/…`, and an
    `images/` in each.
    """
    inner = {top: [part[1:] for part in parts if part[0] == top and len(part) > 1] for top in tops}
    skip = dict.fromkeys(tops, 0)
    while True:
        around = {
            top: inside[0][skip[top]]
            for top, inside in inner.items()
            if all(len(part) > skip[top] + 2 for part in inside)
            and len({part[skip[top]] for part in inside}) == 1
        }
        doubled = {top for top, folder in around.items() if split_of(folder)[0] == tops[top]}
        deep = {top for top in tops if any(len(part) > skip[top] + 2 for part in inner[top])}
        others = {part[skip[top]] for top in tops if top not in around for part in inner[top]}
        same = set(around.values())
        shared = len(same) == 1 and deep == set(around) and not same & others
        if not doubled and not shared:
            break
        for top in around if shared else doubled:
            skip[top] += 1
    return [
        "/".join(part[1 + skip[part[0]] : -1]) if part[0] in tops and len(part) > 1 else ""
        for part in parts
    ]


def _classes_with_splits(parts: Sequence[Parts]) -> list[Parts] | None:
    """Return `cat_train/…`, `cat_test/…` as `train/cat/…`; None where the folders are not so."""
    if any(len(part) != 2 for part in parts):
        return None
    splits = {top: split_of(top)[0] for top in dict.fromkeys(part[0] for part in parts)}
    bare = {top: without_split(top) for top in splits}
    of_split: dict[str | None, set[str]] = {}
    for top, split in splits.items():
        of_split.setdefault(split, set()).add(_loosely(bare[top]))
    trained = of_split.get(TRAIN, set())
    shared = all(names & trained for names in of_split.values())
    if None in of_split or len(of_split) < 2 or len(trained) < 2 or not shared:
        return None
    return [(str(splits[part[0]]), bare[part[0]], part[-1]) for part in parts]


def _without_splits_in_names(
    classes: list[str], parts: Sequence[Parts], tops: dict[str, str]
) -> list[str]:
    """Return `train/cat_train` and `test/cat_test` as the class `cat`: where all of a split are."""
    inside: dict[str, set[str]] = {top: set() for top in tops}
    for part, name in zip(parts, classes, strict=True):
        if name:
            inside[part[0]].add(name)
    named = {
        top
        for top, split in tops.items()
        if all("/" not in name and split_of(name)[0] == split for name in inside[top])
        and all(split_of(name)[1] for name in inside[top])
    }
    return [
        without_split(name) if name and part[0] in named else name
        for part, name in zip(parts, classes, strict=True)
    ]


def _rows(parts: Sequence[Parts], tops: dict[str, str], split: str) -> list[int]:
    return [row for row, part in enumerate(parts) if len(part) > 1 and tops.get(part[0]) == split]


def _loosely(name: str) -> str:
    """Return a class's name as people write it twice: `Great_White Shark`, `great-white-shark`."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", name).casefold()).strip()

"""Problems of a dataset, from the numbers of its check, and the verdict."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fourlenses.check.duplicates import KINDS
from fourlenses.core.errors import printable
from fourlenses.data.archives.leftovers import doubtful
from fourlenses.study.datasets import UNLABELLED

OK, LOOK, NOT_USABLE = "ok", "look at these", "not usable"
# Largest over smallest class from which accuracy over all images hides the small classes.
IMBALANCE = 10.0
# Share of images smaller than the encoder's, from which enlarging them is no exception.
SMALL_SHARE = 0.1
# Share of images this much longer than wide, from which cutting the centre square loses something.
LONG_SHARE, LONG = 0.05, 2.0
# Percentage points: a 95 % interval wider than this to either side distinguishes few methods.
HALF_WIDTH = 5.0
# Share of images without contrast from which something is wrong with how their values are read.
CONTRAST_SHARE = 0.3
# Share of images without contrast enough to find near copies of, from which a user should know.
TOO_FLAT_SHARE = 0.05
# What to do about files that were skipped and were perhaps meant as images.
_WAYS = "convert or move them if they are meant, or leave it so"
_REMEDIES = {
    "camera raw, which is not read": "develop them to JPEG or PNG if they are meant",
    "HEIC, which is not read": "convert them to JPEG if they are meant",
}


@dataclass(frozen=True)
class Problem:
    """A problem of a dataset.

    Attributes:
        error: Whether nothing can be trained on it as it is.
        what: The problem, a sentence.
        remedy: What to do, a sentence.
    """

    error: bool
    what: str
    remedy: str


def find_problems(report: dict) -> list[Problem]:
    """Return the problems that a report shows, errors first."""
    families = (_errors, _splits, _classes, _left_out, _copies, _overlaps, _contrast, _pictures)
    problems = [problem for family in families for problem in family(report)]
    return sorted(problems, key=lambda problem: not problem.error)


def verdict(problems: list[Problem]) -> str:
    if any(problem.error for problem in problems):
        return NOT_USABLE
    return LOOK if problems else OK


def _errors(report: dict) -> Iterator[Problem]:
    bad, inspected = report["undecodable"]["images"], report["looked_at"]
    allowed = report["settings"]["max_undecodable"]
    if bad:
        share = f"{bad} of {inspected} images ({100 * bad / inspected:.2g} %) cannot be decoded"
        if bad > allowed * inspected:
            what = f"{share}, more than 'max_undecodable' ({allowed:g}) allows"
            remedy = "repair or remove the files of undecodable.csv, or raise the key"
            yield Problem(True, what, remedy)
        else:
            remedy = "see the reasons in undecodable.csv"
            yield Problem(False, f"{share} and will be left out", remedy)
    finest = report["levels"][-1]
    if UNLABELLED in finest["images"] and finest["classes"] == 1:
        yield from _too_few(report)
        return
    with_train = sum(counts["train"] > 0 for counts in finest["images"].values())
    for split in ("train", "test"):
        if not finest[split]["images"]:
            yield Problem(True, f"there is no usable {split} image", "see undecodable.csv")
    if with_train < 2:
        yield Problem(
            True,
            f"{with_train} class has training images; a classifier needs two",
            "look at how the class is read from the path",
        )
    yield from _too_few(report)


def _too_few(report: dict) -> Iterator[Problem]:
    asked, finest = report["settings"]["asked"], report["levels"][-1]
    if asked > finest["train"]["images"]:
        what = f"the study asks for {asked} training images; {finest['train']['images']} are usable"
        yield Problem(
            True, what, "lower pretrain_images, labelled_images or pool_images, or use 'all'"
        )


def _splits(report: dict) -> Iterator[Problem]:
    finest = report["levels"][-1]
    test = finest["test"]["images"]
    half = 98 / test**0.5 if test else 0.0
    if half > HALF_WIDTH:
        what = (
            f"accuracies over {test} test images are uncertain by up to {half:.1f} points either "
            "way (95 %)"
        )
        yield Problem(False, what, "use more test images, or compare only large differences")
    if finest["test_only"]:
        classes = _some(finest["test_only"], "class", "classes")
        what = f"{classes} without training images: scored, always as wrong"
        yield Problem(False, what, "give them training images, or take their test images out")
    if finest["train_only"] not in ([], [UNLABELLED]):
        classes = _some(finest["train_only"], "class", "classes")
        what = f"{classes} without test images: learned, never scored"
        yield Problem(False, what, "give them test images, or leave them to pretraining on purpose")


def _classes(report: dict) -> Iterator[Problem]:
    finest, few = report["levels"][-1], report["settings"]["few_images"]
    if finest["few"]:
        what = f"{_some(finest['few'], 'class', 'classes')} with fewer than {few} training images"
        yield Problem(False, what, "merge or drop them, or read their accuracy as noise")
    if finest["imbalance"] and finest["imbalance"] > IMBALANCE:
        effective = f"{finest['effective_classes']:.1f} effective classes of {finest['classes']}"
        what = (
            f"the largest class has {finest['imbalance']:.3g} times the training images of the "
            f"smallest ({effective})"
        )
        remedy = (
            "top-1 over all images speaks for the large classes; balance the test images if that "
            "is not meant"
        )
        yield Problem(False, what, remedy)
    for level, finer in zip(report["levels"], report["levels"][1:], strict=False):
        if level["classes"] == 1:
            what = f"level '{level['level']}' has one label only: every encoder scores 100 % on it"
            yield Problem(False, what, "leave it out of 'levels'")
        elif level["classes"] == finer["classes"]:
            what = (
                f"levels '{level['level']}' and '{finer['level']}' both have {level['classes']} "
                "labels: the same task twice"
            )
            yield Problem(False, what, "leave one of them out of 'levels'")


def _left_out(report: dict) -> Iterator[Problem]:
    for reason, entry in report["skipped"].items():
        if entry["images"]:
            what = f"{entry['images']} files that may be images were skipped: {reason}"
            yield Problem(False, f"{what}, e.g. '{entry['example']}'", _REMEDIES.get(reason, _WAYS))
    kinds = {name: doubtful(name) for name in sorted(report["levels"][-1]["images"])}
    for kind in sorted({*kinds.values()} - {""}):
        names = _some([name for name in kinds if kinds[name] == kind], "class", "classes")
        what = f"{names} called as folders that mostly hold {kind}"
        yield Problem(False, what, "move them out of the dataset, unless they are meant as classes")
    finest = [name.split("/") for name in report["levels"][-1]["images"]]
    tops: dict[str, set[str]] = {}
    for top, *rest in finest:
        tops.setdefault(top, set()).add("/".join(rest))
    inside = [rest for rest in tops.values() if rest != {""}]
    if len(inside) == len(tops) > 1 and all(rest == inside[0] for rest in inside):
        names = _some(sorted(tops), "folder", "folders")
        what = f"{names} hold classes of the same names, so that each class is there several times"
        remedy = (
            "are they splits, folds or parts? Call them train/ and test/, or put the images of a "
            "class into one folder"
        )
        yield Problem(False, what, remedy)
        return
    last = Counter(names[-1] for names in finest if len(names) > 1)
    again = ["/".join(names) for names in finest if len(names) > 1 and last[names[-1]] > 1]
    if len(again) > len(finest) / 2:
        what = f"{_some(sorted(again), 'class', 'classes')} have names that are there several times"
        remedy = (
            "is it the same class in several folders? Point 'path' at one of them, or put the "
            "images of a class into one folder"
        )
        yield Problem(False, what, remedy)


def _copies(report: dict) -> Iterator[Problem]:
    duplicates, test = report["duplicates"], report["levels"][-1]["test"]["images"]
    leaked = duplicates["leaked"]
    total = sum(leaked.values())
    if total:
        kinds = ", ".join(f"{leaked[kind]} {kind}" for kind in KINDS if leaked[kind])
        what = (
            f"{total} of {test} test images ({100 * total / test:.2g} %) are in the training "
            f"images too ({kinds}): they leak"
        )
        remedy = "copy duplicates.csv to another folder and name the copy under 'exclude'"
        yield Problem(False, what, remedy)
    if duplicates["two_labels"]:
        what = f"{duplicates['two_labels']} pictures have two labels, one a copy"
        yield Problem(False, what, "decide on one: duplicates.csv, two_labels = yes")
    exact = sum(duplicates["copies"][kind] for kind in KINDS[:2])
    if exact > total:
        what = (
            f"{exact} images are exact copies of others ({duplicates['groups']} groups of copies "
            "in all)"
        )
        yield Problem(False, what, "they count more than once in every number: duplicates.csv")
    decoded = report["looked_at"] - report["undecodable"]["images"]
    if duplicates["too_flat"] > TOO_FLAT_SHARE * decoded:
        share = f"{duplicates['too_flat']} of {decoded} images"
        percent = f"{100 * duplicates['too_flat'] / decoded:.2g} %"
        what = f"{share} ({percent}) have too little contrast for near copies of them to be found"
        remedy = "exact copies are found; ask where the images are from, e.g. cut from one scene"
        yield Problem(False, what, remedy)


def _overlaps(report: dict) -> Iterator[Problem]:
    for target, overlap in report["overlaps"].items():
        if overlap["images"]:
            kinds = ", ".join(
                f"{overlap['kinds'][kind]} {kind}" for kind in KINDS if overlap["kinds"][kind]
            )
            what = (
                f"{overlap['images']} training images are copies ({kinds}) of "
                f"{overlap['copied']} of the {overlap['test_images']} test images of '{target}': "
                "an encoder pretrained on them has seen what it is tested on"
            )
            remedy = "copy overlaps.csv to another folder and name the copy under 'exclude'"
            yield Problem(False, what, remedy)


def _contrast(report: dict) -> Iterator[Problem]:
    decoded = report["looked_at"] - report["undecodable"]["images"]
    kinds = (("dark", "nearly black"), ("saturated", "nearly white"), ("flat", "nearly flat"))
    for kind, words in kinds:
        count = report["contrast"][kind]
        if count > CONTRAST_SHARE * decoded:
            what = f"{count} of {decoded} images ({100 * count / decoded:.2g} %) are {words}"
            remedy = (
                "look at the contact sheet; where an instrument's values use a part of their range "
                "alone, say which with 'range' or 'percentiles' (docs/reference/sources.md)"
            )
            yield Problem(False, what, remedy)
            return  # what is dark is flat as well


def _pictures(report: dict) -> Iterator[Problem]:
    sizes, size = report["sizes"], report["settings"]["image_size"]
    if sizes and sizes["below_image_size"] > SMALL_SHARE:
        what = (
            f"{100 * sizes['below_image_size']:.3g} % of the images have a side below image_size "
            f"({size} px) and are enlarged"
        )
        yield Problem(False, what, "lower image_size, or find larger images")
    if sizes and sizes["long"] > LONG_SHARE:
        what = (
            f"{100 * sizes['long']:.3g} % of the images are more than {LONG:g} times as long as "
            "wide; only their centre square is used"
        )
        remedy = (
            "look at the contact sheet: is the object still in it? Cut the images beforehand if not"
        )
        yield Problem(False, what, remedy)


def _some(names: list[str], singular: str, plural: str) -> str:
    shown = ", ".join(f"'{printable(name)}'" for name in names[:3])
    more = ", …" if len(names) > 3 else ""
    return f"{len(names)} {singular if len(names) == 1 else plural} ({shown}{more})"

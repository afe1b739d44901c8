"""The classes of ImageNet's validation images where they lie in no class folders.

Three things say them: the development kit, Kaggle's `LOC_val_solution.csv`, and the names of the
files as Hugging Face hands them out (`ILSVRC2012_val_00000001_n01751748.JPEG`).
"""

import csv
import io
import re
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.data.archives.archives import members
from fourlenses.data.images.content import Undecodable
from fourlenses.data.manifest.wordnet import WordNet

DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
SOLUTION = "LOC_val_solution.csv"
_UP = 4  # folders above the validation images in which a list may lie: Data/CLS-LOC of Kaggle
# published as .JPEG; sets made smaller are often .jpg or .png
ENDINGS = (".jpeg", ".jpg", ".png", ".webp")
_ENDING = f"(?:{'|'.join(map(re.escape, ENDINGS))})"
_VAL = re.compile(rf"ILSVRC2012_val_(\d{{8}})(?:_(n\d{{8}}))?{_ENDING}", re.IGNORECASE)
_TRAIN = re.compile(rf"((n\d{{8}})_\d+)(?:_n\d{{8}})?{_ENDING}", re.IGNORECASE)


def class_in_name(file: str) -> tuple[str | None, str]:
    """Return the wnid that a file's name ends in or begins with, and the name as published.

    `n01440764_10026_n01440764.jpg` was published as `n01440764_10026.JPEG`.
    """
    if match := _VAL.fullmatch(file):
        return match[2], f"ILSVRC2012_val_{match[1]}.JPEG"
    if match := _TRAIN.fullmatch(file):
        return match[2], f"{match[1]}.JPEG"
    return None, file


def class_of(file: str, name: str, part: Path, *, truth: list[str]) -> str:
    """Return the wnid of a validation image, by its name or the number in it.

    Args:
        file: The image's name.
        name: Of the dataset, for errors.
        part: Archive or folder of the validation images, for errors.
        truth: The wnid of each image, in the order of their numbers.

    Raises:
        UserError: It is none of the images that have a class.
    """
    match = _VAL.fullmatch(file)
    if match and match[2]:
        return match[2]
    if not match or not 1 <= int(match[1]) <= len(truth):
        raise UserError(
            f"config key 'datasets.{name}.path': '{file}' in {part} lies in no class folder and is "
            "not one of ILSVRC2012_val_00000001.JPEG to "
            f"ILSVRC2012_val_{len(truth):08}.JPEG, the images that {TRUTH} or {SOLUTION} has a "
            "class of; take it away"
        )
    return truth[int(match[1]) - 1]


def ground_truth(name: str, val: Path, *, md5: str | None, wordnet: WordNet) -> list[str]:
    """Return the wnid of each validation image, in the order of their numbers.

    Args:
        name: Of the dataset.
        val: Archive or folder of the validation images; the list lies next to it, or in a folder
            above.
        md5: Of the development kit, where it is to be checked.
        wordnet: The synsets.

    Raises:
        UserError: There is no list, or it is none.
    """
    folders = list(val.absolute().parents)[:_UP]
    solution = next((at / SOLUTION for at in folders if (at / SOLUTION).is_file()), None)
    text: bytes | Undecodable | None = None
    folder = val.parent
    file = folder / DEVKIT
    if file.exists():
        contents = dict(members(file, name, md5=md5))
        lists = (data for member, data in contents.items() if member.rpartition("/")[2] == TRUTH)
        text = next(lists, None)
    else:
        unpacked = (folder / TRUTH, folder / "ILSVRC2012_devkit_t12" / "data" / TRUTH)
        file = next((file for file in unpacked if file.exists()), file)
        text = file.read_bytes() if file.exists() else None
    if not isinstance(text, bytes):
        if solution:
            return solutions(str(solution), solution.read_bytes(), wordnet=wordnet)
        lacks = f"{file} holds no {TRUTH}" if file.exists() else f"{folder} holds no {DEVKIT}"
        raise UserError(
            f"config key 'datasets.{name}.path': the images in {val} lie in no class folders, and "
            f"{lacks}, which says their classes; put the development kit (or the {TRUTH} from it, "
            f"or Kaggle's {SOLUTION}) there, or sort the images into val/<wnid>/"
        )
    wnids = {str(number): wnid for wnid, number in wordnet.numbers.items()}
    numbers = text.decode("ascii", "replace").split()
    wrong = next((index for index, number in enumerate(numbers) if number not in wnids), None)
    if wrong is not None:
        raise UserError(
            f"{file}: {TRUTH} says '{numbers[wrong]}' of image {wrong + 1}, which is no whole "
            "number from 1 to 1000; fetch it again"
        )
    return [wnids[number] for number in numbers]


def solutions(file: str, content: bytes, *, wordnet: WordNet) -> list[str]:
    """Return the wnid of each validation image from Kaggle's list, "" of those it lacks.

    A line is `ILSVRC2012_val_00000001,n01751748 111 108 431 202`: the class, then boxes.

    Raises:
        UserError: It is no such list.
    """
    wnids: dict[int, str] = {}
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"))):
        match = re.fullmatch(r"ILSVRC2012_val_(\d{8})(?:\.JPEG)?", row[0] if row else "")
        if match and len(row) > 1 and row[1].split()[:1]:
            wnids[int(match[1])] = row[1].split()[0]
    unknown = sorted(set(wnids.values()) - set(wordnet.numbers))
    if not wnids or unknown:
        found = (
            f"names '{unknown[0]}', which is none of the 1000 classes" if wnids else "lists none"
        )
        raise UserError(
            f"{file} {found}; expected lines such as 'ILSVRC2012_val_00000001,n01751748 111 108 "
            "431 202'; fetch it again"
        )
    return [wnids.get(number, "") for number in range(1, max(wnids) + 1)]

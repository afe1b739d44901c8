"""Files that each hold images of one split, which their names or folders speak of."""

import re
from pathlib import Path, PurePosixPath

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import file_names
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.sources.common.split_words import TRAIN, UNLABELLED, WORDS


def split_files(name: str, path: Path, *, ending: str) -> list[tuple[str, str]]:
    """Return ``(file below path, identity)`` of files of one ending, sorted.

    The identity leaves out the folders that hold all files. A dataset then keeps its ids whether
    ``path`` points at its top or at the folder of its files.
    """
    if path.is_file():
        files = [path.name]
    elif path.is_dir():
        files = [
            file for file in file_names(path, name) if file.endswith(ending) and not leftover(file)
        ]
    else:
        raise UserError(
            f"config key 'datasets.{name}.path': there is no file or directory {path}; put it "
            "there, or correct the key"
        )
    if not files:
        raise UserError(f"config key 'datasets.{name}.path': {path} holds no {ending} files")
    parts = [PurePosixPath(file).parts for file in files]
    while (
        all(len(part) > 1 for part in parts)
        and len({part[0] for part in parts}) == 1
        and parts[0][0] not in WORDS
    ):
        parts = [part[1:] for part in parts]
    return [
        (file, "/".join(part).removesuffix(ending)) for file, part in zip(files, parts, strict=True)
    ]


def split_in_path(identity: str) -> str | None:
    """Return the split that a file's name, or else a folder's, has a word for, or None.

    As https://huggingface.co/docs/hub/datasets-file-names-and-splits has it.
    """
    for part in reversed(identity.split("/")):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in WORDS:
                return WORDS[word]
    return None


def choose_splits(
    name: str, definition: dict, path: Path, *, words: set[str | None]
) -> dict[str | None, str | None]:
    """Return per split that files are named after its use: train, test, unused or None (drawn)."""
    if len(words) == 1:  # a single split, or none named: test images are drawn from it
        return {next(iter(words)): None}
    tests = sorted(word for word in words if word and word not in (TRAIN, UNLABELLED))
    test = definition.get("test_split") or (tests[0] if len(tests) == 1 else None)
    if "train" not in words or None in words or test not in tests:
        raise UserError(
            f"config key 'datasets.{name}.test_split': the files of {path} are of the splits "
            f"{', '.join(sorted(map(str, words)))}; expected train and others, of which the key "
            "names the one that holds the test images"
        )
    uses = {"train": "train", test: "test"}
    return {word: uses.get(word, "unused") for word in words}

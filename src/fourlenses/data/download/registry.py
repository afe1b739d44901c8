"""Which files a dataset may be downloaded from: those its authors publish (sources/tables/downloads.yaml), or what its config entry says.

Light enough for the Snakefile, which imports it in every job; nothing here opens a connection.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import yaml

from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import read_json

LENGTHS = {"md5": 32, "sha256": 64}
TABLE = Path(__file__).parents[1] / "sources" / "tables" / "downloads.yaml"


@dataclass(frozen=True)
class Remote:
    """A file on the web and what it must be. algorithm: md5 or sha256, digest: hexadecimal. bytes: its exact length, where known."""

    url: str
    algorithm: str
    digest: str
    bytes: int | None = None

    @classmethod
    def from_entry(cls, entry: dict, url: str) -> "Remote":
        algorithm = "sha256" if "sha256" in entry else "md5"
        return cls(url, algorithm, entry[algorithm].lower(), entry.get("bytes"))

    @classmethod
    def checked(cls, url: str, algorithm: str, digest: str | None) -> "Remote":
        """From what a user typed.

        Raises:
            UserError: no checksum, or one of another length.
        """
        if not re.fullmatch(f"[0-9a-fA-F]{{{LENGTHS[algorithm]}}}", digest or ""):
            raise UserError(
                f"{url}: {f'{digest!r} is no {algorithm}' if digest else 'there is no checksum'}; give the one that its page names, "
                f"--sha256 ({LENGTHS['sha256']} hexadecimal digits) or --md5 ({LENGTHS['md5']})"
            )
        return cls(url, algorithm, digest.lower())


@dataclass(frozen=True)
class Wanted:
    """A file of a dataset. path: where it belongs, relative to raw_data. source: whose published file it is, None where the config says."""

    path: PurePosixPath
    remote: Remote
    source: str | None = None

    def options(self) -> list[str]:
        """Of workflow_scripts/download.py."""
        which = (
            ["--dataset", self.source]
            if self.source
            else ["--url", self.remote.url, f"--{self.remote.algorithm}", self.remote.digest]
        )
        return [*which, "--file", self.path.name, "--to", str(self.path.parent)]


def table() -> dict[str, dict]:
    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def md5_sums(source: str) -> dict[str, str]:
    """MD5 of the source's published files, by name, where it is known."""
    return {name: file["md5"] for name, file in table()[source]["files"].items() if "md5" in file}


def published(source: str, file: str) -> Remote:
    """A file as its authors publish it.

    Raises:
        UserError: the source or the file is not in the table, or no program may fetch it; the message says what to do by hand.
    """
    known = table()
    if source not in known:
        raise one_of("source with published files", source, known)
    entry = known[source]
    if "at" not in entry:
        raise UserError(by_hand(source, entry))
    if file not in entry["files"]:
        raise one_of(f"file of {entry['name']}", file, entry["files"])
    return Remote.from_entry(entry["files"][file], entry["at"] + file)


def stand_in(source: str, target: Path) -> Path | None:
    """What lies where ``target`` belongs and does as well: the file decompressed or extracted, or another layout of the same images."""
    names = table()[source]["files"][target.name].get("instead", [])
    return next((target.parent / name for name in names if (target.parent / name).exists()), None)


def by_hand(source: str, entry: dict, folder: str | None = None) -> str:
    """What to do where a program may not: the page, the files with their sums, the folder."""
    where = folder or f"the folder that 'path' of the dataset with source: {source} names"
    lines = [
        f"{entry['name']} cannot be downloaded for you: {entry['by_hand']}. Get the files at {entry['page']} and put them into {where}"
    ]
    return "\n  ".join([*lines, *_lines(entry)])


def _lines(entry: dict) -> list[str]:
    return [
        f"{name}  md5 {file['md5']}" + (f"  {file['size']}" if "size" in file else "")
        for name, file in entry["files"].items()
    ]


def describe(source: str) -> str:
    """The published files of a source, their sums and sizes, and on what terms they are there."""
    known = table()
    if source not in known:
        raise one_of("source with published files", source, known)
    entry = known[source]
    if "at" not in entry:
        return by_hand(source, entry)
    return "\n".join(
        [
            f"{entry['name']}: {entry['page']}",
            f"terms: {entry['terms']}",
            *(f"  {line}" for line in _lines(entry)),
        ]
    )


def take_downloads(config: dict) -> dict[str, list[Wanted]]:
    """Per dataset the files that are to be there; the key `download` is taken out of the entries, as it says nothing about the images.

    Raises:
        UserError: `download: true` where no published files are known, or where they are not for programs to fetch.
    """
    return {
        name: _wanted(name, entry, entry.pop("download", False))
        for name, entry in config["datasets"].items()
    }


def _wanted(name: str, entry: dict, download: bool | dict | list) -> list[Wanted]:
    if download is False:
        return []
    path, key = PurePosixPath(entry["path"]), f"key 'datasets.{name}.download'"
    if isinstance(download, dict):
        return [Wanted(path, Remote.from_entry(download, download["url"]))]
    if isinstance(download, list):
        return [
            Wanted(path / file_name(one["url"]), Remote.from_entry(one, one["url"]))
            for one in download
        ]
    source = entry["source"]
    known = table().get(source)
    if known is None:
        raise UserError(
            f"{key} is true, but no published files of the source '{source}' are known; give it a url and a sha256 instead"
        )
    if "at" not in known:
        raise UserError(f"{key}: {by_hand(source, known, f'the folder {path} of raw_data')}")
    folder, names = {
        "inat21": lambda: (path, [f"{entry.get('train', 'train')}.tar.gz", "val.tar.gz"]),
        "places365": lambda: (path, list(known["files"])),
        "cifar": lambda: (path.parent, [path.name]),
    }[source]()
    missing = next((file for file in names if file not in known["files"]), None)
    if missing:
        unknown = one_of(f"file of {known['name']}", missing, known["files"])
        raise UserError(f"{key} is true, but 'path' ends in no published file: {unknown}")
    return [Wanted(folder / file, published(source, file), source) for file in names]


def file_name(url: str) -> str:
    """The last part of an address, as the name of a file.

    Raises:
        UserError: the address ends in none.
    """
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if name in ("", ".", "..") or "/" in name or not name.isprintable():
        raise UserError(
            f"the address {url} ends in no file name; say which with --file, or give the dataset one url and its 'path'"
        )
    return name


@contextlib.contextmanager
def remembering_downloads(folder: Path) -> Iterator[None]:
    """A failure of the block is told with a file that was downloaded once and is gone. folder: of the records, one per file."""
    try:
        yield
    except UserError as error:
        for record in sorted(folder.glob("*.json")):
            file = Path(read_json(record)["file"])
            if not file.exists():
                raise UserError(
                    f"{error}. {file} was there once: snakemake with --forcerun download fetches again what is missing"
                ) from error
        raise

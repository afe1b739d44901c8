"""Registry of files that a dataset may be downloaded from.

They are those that its authors publish (sources/tables/downloads.yaml, where a source says all of
it), or what its config entry says. Light enough for the Snakefile, which imports it in every job;
nothing here opens a connection.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import yaml

from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import read_json
from fourlenses.core.paths import expanded
from fourlenses.study.layout import encoder_downloads

LENGTHS = {"md5": 32, "sha256": 64}
TABLE = Path(__file__).parents[1] / "sources" / "tables" / "downloads.yaml"


@dataclass(frozen=True)
class Remote:
    """A file on the web and what it must be.

    Attributes:
        url: Its address.
        algorithm: md5 or sha256.
        digest: Hexadecimal.
        bytes: Its exact length, None where unknown.
    """

    url: str
    algorithm: str
    digest: str
    _: KW_ONLY
    bytes: int | None = None

    @classmethod
    def from_entry(cls, entry: dict, url: str) -> "Remote":
        algorithm = "sha256" if "sha256" in entry else "md5"
        return cls(url, algorithm, entry[algorithm].lower(), bytes=entry.get("bytes"))

    @classmethod
    def checked(cls, url: str, algorithm: str, digest: str | None) -> "Remote":
        """Return the file that a user typed.

        Raises:
            UserError: No checksum, or one of another length.
        """
        if not re.fullmatch(f"[0-9a-fA-F]{{{LENGTHS[algorithm]}}}", digest or ""):
            fault = f"{digest!r} is no {algorithm}" if digest else "there is no checksum"
            raise UserError(
                f"{url}: {fault}; give the one that its page names, "
                f"--sha256 ({LENGTHS['sha256']} hexadecimal digits) or --md5 ({LENGTHS['md5']})"
            )
        return cls(url, algorithm, str(digest).lower())


@dataclass(frozen=True)
class Wanted:
    """A file of a dataset.

    Attributes:
        path: Where it belongs, relative to raw_data.
        remote: The file on the web.
        source: The source whose published file it is; None where the config names the file.
    """

    path: PurePosixPath
    remote: Remote
    source: str | None = None

    def options(self) -> list[str]:
        """Return its command-line options of workflow_scripts/download.py."""
        which = (
            ["--dataset", self.source]
            if self.source
            else ["--url", self.remote.url, f"--{self.remote.algorithm}", self.remote.digest]
        )
        return [*which, "--file", self.path.name, "--to", str(self.path.parent)]


def table() -> dict[str, dict]:
    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def md5_sums(source: str) -> dict[str, str]:
    """Return the MD5 of the source's published files by name, where it is known."""
    return {name: file["md5"] for name, file in table()[source]["files"].items() if "md5" in file}


def published(source: str, file: str) -> Remote:
    """Return a file as its authors publish it.

    Raises:
        UserError: The source or the file is not in the table, or no program may download it; the
            message says what to do by hand.
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
    """Return what is there in place of ``target``, None if nothing is.

    For example the file decompressed or extracted, or another layout of the same images.
    """
    names = table()[source]["files"][target.name].get("instead", [])
    return next((target.parent / name for name in names if (target.parent / name).exists()), None)


def by_hand(source: str, entry: dict, folder: str | None = None) -> str:
    """Return the instructions for files that no program may download, with their sums."""
    where = folder or f"the folder that 'path' of the dataset with source: {source} names"
    sentences = (
        f"{entry['name']} cannot be downloaded for you: {entry['by_hand']}. "
        f"Get the files at {entry['page']} and put them into {where}"
    )
    return "\n  ".join([sentences, *_lines(entry)])


def _lines(entry: dict) -> list[str]:
    return [
        f"{name}  md5 {file['md5']}" + (f"  {file['size']}" if "size" in file else "")
        for name, file in entry["files"].items()
    ]


def describe(source: str) -> str:
    """Return the published files of a source, their sums and sizes, and their terms, as text."""
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
    """Take the key `download` out of every dataset and every external encoder.

    It says nothing about images and weights.

    Returns:
        Per dataset, and per encoder under the name of `layout.encoder_downloads`, the files that
        are to be there.

    Raises:
        UserError: `download: true` where no published files are known, or where no program may
            download them.
    """
    return {
        name: _wanted(name, entry, entry.pop("download", False))
        for name, entry in config["datasets"].items()
    } | {
        encoder_downloads(name): [_weights(entry, entry.pop("download"))]
        for name, entry in config.get("encoders", {}).items()
        if "download" in entry
    }


def _weights(entry: dict, url: str) -> Wanted:
    """Return the file of an external encoder's weights."""
    path = PurePosixPath(expanded(entry["weights"], "encoders.….weights"))
    return Wanted(path, Remote(url, "sha256", entry["sha256"]))


def _wanted(name: str, entry: dict, download: bool | dict | list) -> list[Wanted]:
    if download is False:
        return []
    path = PurePosixPath(expanded(entry["path"], f"datasets.{name}.path"))
    key = f"key 'datasets.{name}.download'"
    if isinstance(download, dict):
        return [Wanted(path, Remote.from_entry(download, download["url"]))]
    if isinstance(download, list):
        return [
            Wanted(path / file_name(file["url"]), Remote.from_entry(file, file["url"]))
            for file in download
        ]
    source = entry["source"]
    known = table().get(source)
    if known is None:
        raise UserError(
            f"{key} is true, but no published files of the source '{source}' are known; "
            "give it a url and a sha256 instead"
        )
    if "at" not in known:
        raise UserError(f"{key}: {by_hand(source, known, f'the folder {path} of raw_data')}")
    paths = _needed(entry, known)
    missing = next((path.name for path in paths if path.name not in known["files"]), None)
    if missing:
        unknown = one_of(f"file of {known['name']}", missing, known["files"])
        raise UserError(f"{key} is true, but 'path' ends in no published file: {unknown}")
    return [Wanted(path, published(source, path.name), source) for path in paths]


def _needed(entry: dict, known: dict) -> list[PurePosixPath]:
    """Return the paths of the published files that a dataset's entry needs; see downloads.yaml."""
    path = PurePosixPath(expanded(entry["path"], "datasets.….path"))
    if known.get("path_is_file"):
        return [path]
    keys = {**known.get("defaults", {}), **entry}
    return [path / name.format_map(keys) for name in known.get("needs", known["files"])]


def file_name(url: str) -> str:
    """Return the last part of an address, as the name of a file.

    Raises:
        UserError: The address ends in none.
    """
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if name in ("", ".", "..") or "/" in name or not name.isprintable():
        raise UserError(
            f"the address {url} ends in no file name; name it with --file, or give the dataset "
            "one url and its 'path'"
        )
    return name


@contextlib.contextmanager
def remembering_downloads(folder: Path) -> Iterator[None]:
    """Add to an error of the block the name of a file that was downloaded once and is gone.

    Args:
        folder: Of the records, one per downloaded file.
    """
    try:
        yield
    except UserError as error:
        for record in sorted(folder.glob("*.json")):
            file = Path(read_json(record)["file"])
            if not file.exists():
                raise UserError(
                    f"{error}. {file} was there once: snakemake with --forcerun download fetches "
                    "again what is missing"
                ) from error
        raise

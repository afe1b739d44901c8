"""The table of published files, and what a config asks of it."""

import re
from pathlib import Path, PurePosixPath

import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import write_json
from fourlenses.data.download.registry import (
    by_hand,
    describe,
    file_name,
    published,
    remembering_downloads,
    stand_in,
    table,
    take_downloads,
)
from fourlenses.data.download.urls import check_address

TABLE = table()
FILES = [
    (source, name, file) for source, entry in TABLE.items() for name, file in entry["files"].items()
]
NEEDS = {"needs", "defaults", "path_is_file"}
DOCS = (Path(__file__).parents[3] / "docs" / "reference" / "downloads.md").read_text()


@pytest.mark.parametrize(("source", "name", "file"), FILES, ids=[name for _, name, _ in FILES])
def test_every_published_file_can_be_checked_and_is_in_the_docs(source, name, file):
    assert re.fullmatch("[0-9a-f]{32}", file["md5"])
    assert set(file) <= {"md5", "size", "bytes", "instead"}
    assert f"`{name}`" in DOCS
    if "size" in file:
        assert file["size"] in DOCS
    if "size" in file and "bytes" in file:
        number, unit = file["size"].split()
        # what authors call MB and GB are powers of 1000 or of 1024
        assert any(
            abs(file["bytes"] / base ** {"MB": 2, "GB": 3}[unit] - float(number)) < 1
            for base in (1000, 1024)
        )


def test_no_two_files_have_one_checksum():
    assert len({file["md5"] for _, _, file in FILES}) == len(FILES)


@pytest.mark.parametrize("source", list(TABLE))
def test_a_source_says_where_its_files_are_or_why_not(source):
    entry = TABLE[source]
    assert ("at" in entry) != ("by_hand" in entry)
    assert (
        {"name", "page", "terms", "files"}
        <= set(entry)
        <= {"name", "page", "terms", "files", "at", "by_hand", *NEEDS}
    )
    assert entry["page"] in describe(source)
    assert entry["page"] in DOCS
    for name in entry["files"]:
        if "at" in entry:
            remote = published(source, name)
            check_address(remote.url, remote.url)
            assert remote.url == entry["at"] + name
        else:
            with pytest.raises(UserError, match="cannot be downloaded for you"):
                published(source, name)


def asked(entry: dict) -> list:
    config = {"datasets": {"mine": entry}}
    wanted = take_downloads(config)["mine"]
    assert "download" not in config["datasets"]["mine"]
    return wanted


@pytest.mark.parametrize(
    ("entry", "paths"),
    [
        ({"source": "inat21", "path": "inat21"}, ["inat21/train.tar.gz", "inat21/val.tar.gz"]),
        (
            {"source": "inat21", "path": "a/b", "train": "train_mini"},
            ["a/b/train_mini.tar.gz", "a/b/val.tar.gz"],
        ),
        (
            {"source": "places365", "path": "places"},
            [
                "places/train_256_places365standard.tar",
                "places/val_256.tar",
                "places/filelist_places365-standard.tar",
            ],
        ),
        (
            {"source": "flowers102", "path": "flowers"},
            ["flowers/102flowers.tgz", "flowers/imagelabels.mat", "flowers/setid.mat"],
        ),
        ({"source": "cifar", "path": "cifar-100-python.tar.gz"}, ["cifar-100-python.tar.gz"]),
        (
            {"source": "cifar", "path": "/data/cifar-10-binary.tar.gz"},
            ["/data/cifar-10-binary.tar.gz"],
        ),
    ],
)
def test_published_files_that_a_dataset_needs(entry, paths):
    wanted = asked({**entry, "download": True})
    assert [str(one.path) for one in wanted] == paths
    assert all(one.options()[:2] == ["--dataset", entry["source"]] for one in wanted)
    assert asked({**entry, "download": False}) == asked(entry) == []


def test_files_that_the_config_names():
    digest = "AB" * 32
    (one,) = asked(
        {
            "source": "image_folder",
            "path": "mine/birds.tar",
            "download": {"url": "https://a.org/x?y=1", "sha256": digest},
        }
    )
    assert one.options() == [
        "--url",
        "https://a.org/x?y=1",
        "--sha256",
        digest.lower(),
        "--file",
        "birds.tar",
        "--to",
        "mine",
    ]
    several = [
        {"url": f"https://a.org/patches_{part}.tar.gz?v=2", "md5": "0" * 32} for part in "ab"
    ]
    wanted = asked({"source": "glc20", "path": "glc20", "download": several})
    assert [one.path for one in wanted] == [
        PurePosixPath("glc20/patches_a.tar.gz"),
        PurePosixPath("glc20/patches_b.tar.gz"),
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"source": "image_folder", "path": "x"},
            "no published files of the source 'image_folder' are known",
        ),
        (
            {"source": "cifar", "path": "cifar-10.tar"},
            r"'path' ends in no published file: .*\(did you mean 'cifar-10-",
        ),
        (
            {"source": "glc20", "path": "x"},
            r"no checksum is known .* https://lila.science/datasets/geolifeclef-2020/",
        ),
        (
            {"source": "imagenet", "path": "in"},
            r"(?s)key 'datasets.mine.download': .* registered there .* "
            r"https://image-net.org/download-images and put them into "
            r"the folder in of raw_data\n  ILSVRC2012_img_train.tar  md5 "
            r"1d675b47d978889d74fa0da5fadfb00e  138 GB\n  ILSVRC2012_img_val",
        ),
    ],
)
def test_what_cannot_be_downloaded_is_told_with_what_to_do(entry, message):
    with pytest.raises(UserError, match=message):
        asked({**entry, "download": True})


def test_by_hand_names_every_file_and_sum():
    message = by_hand("imagenet", TABLE["imagenet"])
    assert all(
        f"{name}  md5 {file['md5']}" in message for name, file in TABLE["imagenet"]["files"].items()
    )


@pytest.mark.parametrize(
    ("url", "name"),
    [("https://a.org/b/c.tar?d=e#f", "c.tar"), ("https://a.org/b%20c.tar", "b c.tar")],
)
def test_the_name_of_a_file_is_the_end_of_its_address(url, name):
    assert file_name(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "https://a.org",
        "https://a.org/b/",
        "https://a.org/..",
        "https://a.org/..%2Fb",
        "https://a.org/b%0Ac",
    ],
)
def test_an_address_that_names_no_file_is_refused(url):
    with pytest.raises(UserError, match="ends in no file name"):
        file_name(url)


def test_what_was_extracted_stands_in_for_an_archive(tmp_path):
    assert stand_in("inat21", tmp_path / "train.tar.gz") is None
    (tmp_path / "2021_train").mkdir()
    assert stand_in("inat21", tmp_path / "train.tar.gz") == tmp_path / "2021_train"
    assert stand_in("inat21", tmp_path / "val.tar.gz") is None


def test_a_failure_names_a_downloaded_file_that_is_gone(tmp_path):
    write_json(tmp_path / "a.json", {"file": str(tmp_path / "a.json")})
    with pytest.raises(UserError) as caught, remembering_downloads(tmp_path):
        raise UserError("broken")
    assert str(caught.value) == "broken"
    write_json(tmp_path / "b.json", {"file": "raw/b.tar"})
    with pytest.raises(UserError) as caught, remembering_downloads(tmp_path):
        raise UserError("broken")
    assert str(caught.value).startswith(
        "broken. raw/b.tar was there once: snakemake with --forcerun download"
    )

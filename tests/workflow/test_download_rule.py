"""A study whose images are downloaded, with snakemake itself and a server on loopback."""

import hashlib

import pytest
from tests.helpers.flaky_server import FlakyServer, hang_up
from tests.workflow.test_whole import make_archive, output_of, snakemake, write_config

MANIFEST = "data/animals/manifest.parquet"
RECORD = "data/animals/downloads/animals.tar.gz.json"


@pytest.fixture
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    make_archive(folder)
    with FlakyServer((folder / "animals.tar.gz").read_bytes()) as server:
        yield server


def configured(folder, server, **changes):
    download = {"url": server.url, "sha256": hashlib.sha256(server.content).hexdigest(), **changes}
    return with_download(folder, download)


def with_download(folder, download):
    animals = {
        "source": "image_folder",
        "path": "animals.tar.gz",
        "classes": "classes.csv",
        "levels": ["kind"],
    }
    return write_config(
        folder,
        datasets={"animals": animals if download is None else {**animals, "download": download}},
    )


def rules(result) -> set[str]:
    lines = [line.split() for line in output_of(result).splitlines()]
    return {line[0] for line in lines if len(line) == 2 and line[1].isdigit()} - {"total"}


def test_an_archive_is_downloaded_indexed_and_left_alone(server, tmp_path):
    server.plan = [hang_up(2000)]
    config = configured(tmp_path, server)
    result = snakemake(tmp_path, MANIFEST, config=config)
    assert result.returncode == 0, output_of(result)[-3000:]
    archive = tmp_path / "animals.tar.gz"
    assert archive.read_bytes() == server.content
    assert sum(server.sent) == len(server.content)
    assert (tmp_path / RECORD).exists()
    assert (
        "downloaded from"
        in (tmp_path / "data/animals/logs/download/animals.tar.gz.log").read_text()
    )

    # an archive that was deleted once its images are indexed is not missed, nor is the key, nor
    # another place for raw data
    server.plan, asked = [], len(server.asked)
    archive.unlink()
    for again in (config, with_download(tmp_path, None), configured(tmp_path, server)):
        assert "Nothing to be done" in output_of(snakemake(tmp_path, MANIFEST, "-n", config=again))
    assert "Nothing to be done" in output_of(
        snakemake(tmp_path, MANIFEST, "-n", "--config", "raw_data=/elsewhere", config=config)
    )

    # what needs it says how to get it back
    result = snakemake(tmp_path, MANIFEST, "--forcerun", "index_dataset", config=config)
    assert "there is no file or directory animals.tar.gz" in output_of(result)
    assert (
        "animals.tar.gz was there once: "
        "snakemake with --forcerun download fetches again what is missing" in output_of(result)
    )
    assert len(server.asked) == asked
    result = snakemake(tmp_path, MANIFEST, "--forcerun", "download", config=config)
    assert result.returncode == 0, output_of(result)[-3000:]
    assert archive.read_bytes() == server.content

    # all of it forced: what is there is checked, not removed and not downloaded
    asked, before = len(server.asked), archive.stat()
    result = snakemake(tmp_path, MANIFEST, "--forceall", config=config)
    assert result.returncode == 0, output_of(result)[-3000:]
    assert (archive.stat().st_ino, archive.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )
    snakemake(tmp_path, MANIFEST, "--delete-all-output", config=config)
    assert archive.exists()
    assert not (tmp_path / MANIFEST).exists()
    assert len(server.asked) == asked


def test_files_that_the_user_brought_are_not_downloaded(server, tmp_path):
    (tmp_path / "animals.tar.gz").write_bytes(server.content)
    result = snakemake(tmp_path, MANIFEST, config=configured(tmp_path, server))
    assert result.returncode == 0, output_of(result)[-3000:]
    assert server.asked == []


def test_the_key_may_come_when_all_is_indexed(server, tmp_path):
    (tmp_path / "animals.tar.gz").write_bytes(server.content)
    assert snakemake(tmp_path, MANIFEST, config=with_download(tmp_path, False)).returncode == 0
    result = snakemake(tmp_path, MANIFEST, "-n", config=configured(tmp_path, server))
    assert "Nothing to be done" in output_of(result), output_of(result)[-3000:]


def test_nothing_is_downloaded_unasked_or_for_a_target_that_does_without(server, tmp_path):
    result = snakemake(tmp_path, MANIFEST, config=with_download(tmp_path, None))
    assert "'datasets.animals.path' is 'animals.tar.gz', but there is no " in output_of(result)
    plan = snakemake(
        tmp_path,
        "data/drawings/manifest.parquet",
        "-n",
        "--quiet",
        "host",
        config=configured(tmp_path, server),
    )
    assert rules(plan) == {"index_dataset"}, output_of(plan)
    plan = snakemake(
        tmp_path, MANIFEST, "-n", "--quiet", "host", config=configured(tmp_path, server)
    )
    assert rules(plan) == {"download", "index_dataset"}, output_of(plan)
    assert server.asked == []


def test_a_wrong_file_stops_the_study_with_a_sentence(server, tmp_path):
    result = snakemake(
        tmp_path, MANIFEST, "--retries", 2, config=configured(tmp_path, server, sha256="0" * 64)
    )
    assert result.returncode != 0
    assert (
        f"expected {'0' * 64}: damaged on the way, or not the published file; nothing was kept"
        in output_of(result)
    )
    assert "Traceback" not in output_of(result)
    assert list(tmp_path.glob("animals.tar.gz*")) == []
    assert len(server.asked) == 1


def test_a_mistake_in_the_key_is_reported_before_any_job(server, tmp_path):
    result = snakemake(tmp_path, MANIFEST, config=with_download(tmp_path, True))
    assert result.returncode != 0
    assert (
        "no published files of the source 'image_folder' are known; "
        "give it a url and a sha256 instead" in output_of(result)
    )
    assert "Traceback" not in output_of(result)
    assert not (tmp_path / "data").exists()


def test_one_file_at_a_time(server, tmp_path):
    server.piece, server.pause = 1000, 0.02
    digest = hashlib.sha256(server.content).hexdigest()
    several = [
        {"url": server.url.replace("animals.tar.gz", f"{name}.tar.gz"), "sha256": digest}
        for name in "abc"
    ]
    config = with_download(tmp_path, several)
    result = snakemake(
        tmp_path,
        *(f"data/animals/downloads/{name}.tar.gz.json" for name in "abc"),
        config=config,
        cores=3,
    )
    assert result.returncode == 0, output_of(result)[-3000:]
    assert sorted(file.name for file in (tmp_path / "animals.tar.gz").iterdir()) == [
        "a.tar.gz",
        "b.tar.gz",
        "c.tar.gz",
    ]
    assert server.most_at_once == 1

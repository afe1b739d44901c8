"""What Snakemake says is out of date, in its own words: a version that changes them fails here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.workflow.outdated import Outdated, counted, outdated_files

SNAKEFILE = """
configfile: "base.yaml"
rule all:
    input: "table"
rule table:
    input: expand("record_{name}", name=config["names"])
    output: "table"
    shell: "cat {input} > {output}"
rule record:
    input: lambda wildcards: ["encoder"] + (["more"] if wildcards.name in config["with"] else [])
    output: "record_{name}"
    params: labels=config["labels"]
    shell: "echo {wildcards.name} > {output}"
rule encoder:
    input: "images"
    output: "encoder"
    params: epochs=config["epochs"]
    shell: "echo {params.epochs} > {output}"
"""
BASE = "{names: [a, b], epochs: 1, labels: 5, with: []}\n"
FOLLOWS = "what it is made from is made again"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of four jobs that has been run."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "base.yaml").write_text(BASE)
    for name in ("images", "more"):
        (folder / name).write_text(name)
    command = [sys.executable, "-m", "snakemake", "all", "--cores", "1", "--directory", folder]
    subprocess.run([*command, "-s", folder / "Snakefile"], check=True, capture_output=True)
    return folder


def asked(folder: Path, overlay: str = "", **options: object) -> dict[str, str]:
    overlays = []
    if overlay:
        (folder / "overlay.yaml").write_text(overlay)
        overlays = [folder / "overlay.yaml"]
    return outdated_files(folder, folder, overlays, **options)


def test_nothing_is_out_of_date(finished: Path) -> None:
    assert asked(finished) == {}


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        (
            "epochs: 2",
            {
                "encoder": "its settings changed",
                "record_a": FOLLOWS,
                "record_b": FOLLOWS,
                "table": FOLLOWS,
            },
        ),
        ("with: [b]", {"record_b": "it has other inputs", "table": FOLLOWS}),
        ("names: [a]", {"table": "it has other inputs"}),
        # what is not there yet is not out of date
        ("names: [a, b, c]", {"table": "it has other inputs"}),
    ],
)
def test_a_change_of_the_config(finished: Path, overlay: str, expected: dict[str, str]) -> None:
    assert asked(finished, overlay) == expected


def test_values_of_the_command_line_and_triggers(finished: Path) -> None:
    expected = {"record_a", "record_b", "table"}
    assert set(asked(finished, values={"labels": 6})) == expected
    options = ["--rerun-triggers", "mtime"]
    assert asked(finished, values={"labels": 6}, options=options) == {}


def test_an_input_that_is_newer_and_another(finished: Path) -> None:
    before = (finished / "images").stat()
    os.utime(finished / "images")
    assert asked(finished) == {}  # the same bytes
    (finished / "images").write_text("others")
    found = asked(finished)
    assert found["encoder"] == "an input is newer"
    assert len(found) == 4
    (finished / "images").write_text("images")
    os.utime(finished / "images", ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_snakemake_cannot_answer_is_an_error_with_its_words(finished: Path) -> None:
    with pytest.raises(UserError, match=r"Snakemake gave no answer \(.*nowhere"):
        outdated_files(finished / "nowhere", finished, [])


def test_what_was_written_since_is_out_of_date_no_more(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
        os.utime(tmp_path / name, (1, 1))
    known = Outdated({"a": "its settings changed", "b": FOLLOWS, "gone": FOLLOWS}, tmp_path)
    assert known.now() == known.files
    (tmp_path / "a").write_text("new")
    assert set(known.now()) == {"b", "gone"}


def test_reasons_are_counted() -> None:
    reasons = [FOLLOWS, "its settings changed", FOLLOWS]
    assert counted(reasons) == f"{FOLLOWS}: 2; its settings changed: 1"

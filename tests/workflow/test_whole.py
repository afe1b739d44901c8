"""The whole way, as a user goes it: an archive of images in, figures out, with snakemake itself."""

import filecmp
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.helpers.pictures import jpeg_bytes

from fourlenses.core.files import read_json

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
LENSES = ("quantity", "domain", "quality", "granularity")


def snakemake(
    folder: Path, *arguments, config: Path = TINY, cores: int = 2, project: Path = ROOT
) -> subprocess.CompletedProcess:
    """Run the workflow in ``folder`` as a user would, without an activated environment."""
    program = Path(sys.executable).with_name("snakemake")
    command = [
        program,
        *arguments,
        "--snakefile",
        project / "Snakefile",
        "--directory",
        folder,
        "--configfile",
        config,
        "--cores",
        cores,
    ]
    command += ["--workflow-profile", project / "profiles" / "ci"]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )


def output_of(result: subprocess.CompletedProcess) -> str:
    return result.stdout + result.stderr


def make_archive(folder: Path) -> None:
    """animals.tar.gz: three classes, 36 training and 18 test images, and a class table.

    One training image more is damaged beyond reading.
    """
    with tarfile.open(folder / "animals.tar.gz", "w:gz") as archive:

        def add(name, data):
            info = tarfile.TarInfo(f"animals/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))

        for split, count in (("train", 12), ("val", 6)):
            for number, name in enumerate(("ant", "bee", "cat")):
                for index in range(count):
                    add(
                        f"{split}/{name}/{index}.jpg",
                        jpeg_bytes(1000 * number + index + (500 if split == "val" else 0)),
                    )
        add("train/cat/damaged.jpg", jpeg_bytes(9)[:200])
        add("classes.csv", b"class,kind\nant,insect\nbee,insect\ncat,mammal\n")


def write_config(folder: Path, **changes) -> Path:
    config = yaml.safe_load(TINY.read_text())
    for key, value in changes.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) else value
    file = folder / "changed.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which the tiny study was run to its end."""
    folder = tmp_path_factory.mktemp("study")
    make_archive(folder)
    config = write_config(folder, max_undecodable=0.05)
    result = snakemake(folder, "all", config=config)
    assert result.returncode == 0, output_of(result)[-4000:]
    return folder, config


def test_images_become_figures(finished):
    folder, _ = finished
    results = folder / "results" / "tiny"
    for lens in LENSES:
        for suffix in ("svg", "png", "csv"):
            assert (results / "figures" / f"{lens}.{suffix}").stat().st_size > 100
    table = pd.read_csv(results / "metrics.csv", keep_default_na=False)
    lenses_shown = {lens for lenses in table["lens"] for lens in lenses.split(";")}
    assert lenses_shown == set(LENSES)
    assert (table["top1_low"] <= table["top1"]).all()
    assert (table["top1"] <= table["top1_high"]).all()
    assert set(table["method"]) == {"random", "simclr", "simclr_half", "supervised"}
    assert "animals-36~drawings-36.supervised" in set(table["source"])
    assert set(table["corruption"]) == {"none", "jpeg10"}
    assert set(table["image_size"]) == {16}
    assert {
        (row.level, row.n_classes, row.level_depth, row.is_finest)
        for row in table[table["target"] == "animals"].itertuples()
    } == {*(("kind", 2, 0, False), ("class", 3, 1, True))}
    assert table["chance"].between(1, 100).all()
    trained = table["protocol"].isin(["fine_tune", "scratch"])
    assert set(table.loc[trained, "training_steps"]) == {"2"}
    assert set(table.loc[~trained, "training_steps"]) == {""}
    assert set(table["not_converged"]) == {""}  # two steps are too few to tell
    # `all` has become the number of images that could be decoded
    assert set(table.loc[table["source"] == "animals-all", "pretrain_images"]) == {36}
    assert [
        entry["path"] for entry in read_json(folder / "data/animals/24px/clean.json")["undecodable"]
    ] == ["animals/train/cat/damaged.jpg"]
    run = read_json(results / "pretrain/simclr/animals-all/seed0/run.json")
    assert run["settings"]["hyperparameters"]["epochs"] == 2  # of the overlay
    assert run["settings"]["hyperparameters"]["projection_layers"] == 2  # of the default


def test_subsets_are_nested(finished):
    folder, _ = finished
    subsets = folder / "data/animals/24px/subsets/seed0"
    inner, outer = (set(np.load(subsets / f"{images}.npy").tolist()) for images in ("16", "all"))
    assert inner < outer


def test_then_there_is_nothing_to_do(finished):
    folder, config = finished
    result = snakemake(folder, "all", "-n", config=config)
    assert "Nothing to be done" in output_of(result), output_of(result)[-3000:]


def test_the_table_alone_is_enough_for_the_figures(finished, tmp_path):
    folder, config = finished
    target = tmp_path / "results" / "tiny"
    target.mkdir(parents=True)
    shutil.copy(folder / "results/tiny/metrics.csv", target)
    plan = snakemake(tmp_path, "figures", "-n", "--quiet", "host", config=config)
    # the table of jobs: a rule's name and its count, two words a line
    rules = {
        line.split()[0]
        for line in output_of(plan).splitlines()
        if len(line.split()) == 2 and line.split()[1].isdigit()
    } - {"jobid:"}
    assert rules == {"draw_figure", "compare_published", "figures", "total"}, output_of(plan)
    # the paired intervals lie next to a table that is passed on; with the table alone the same
    # figures have wider ones
    shutil.copy(folder / "results/tiny/paired.csv", target)
    result = snakemake(tmp_path, "figures", config=config)
    assert result.returncode == 0, output_of(result)
    for lens in LENSES:
        assert filecmp.cmp(
            target / f"figures/{lens}.svg",
            folder / f"results/tiny/figures/{lens}.svg",
            shallow=False,
        )


def test_again_from_scratch_on_one_core_gives_the_same_table(finished, tmp_path):
    folder, _ = finished
    make_archive(tmp_path)
    # a part of the quantity lens alone: an encoder of each method and every protocol on it, in less
    # than a third of the time
    config = write_config(
        tmp_path, max_undecodable=0.05, lenses=["quantity"], quantity={"pretrain_images": [16]}
    )
    result = snakemake(tmp_path, "results/tiny/metrics.csv", config=config, cores=1)
    assert result.returncode == 0, output_of(result)[-4000:]
    again = pd.read_csv(
        tmp_path / "results/tiny/metrics.csv", keep_default_na=False, dtype=str
    ).drop(columns="lens")
    first = pd.read_csv(folder / "results/tiny/metrics.csv", keep_default_na=False, dtype=str).drop(
        columns="lens"
    )
    merged = again.merge(first, how="left", indicator=True)
    assert len(again) > 5
    assert (merged["_merge"] == "both").all()


def test_a_cosmetic_change_of_a_script_retrains_nothing(finished):
    folder, config = finished
    result = snakemake(folder, "all", "-n", "--touch", config=config)
    assert result.returncode == 0
    changed = write_config(folder, max_undecodable=0.05, device="cpu", raw_data=str(folder))
    result = snakemake(folder, "pretrain_all", "-n", config=changed)
    assert "Nothing to be done" in output_of(result), output_of(result)[-3000:]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"backbone": "resnet19"},
            "changed.yaml: key 'backbone' is 'resnet19' (did you mean 'resnet18'?); "
            "allowed: resnet_small",
        ),
        (
            {"domain": {"datasets": ["animal"]}},
            "key 'domain.datasets': unknown dataset 'animal' (did you mean 'animals'?); "
            "known: animals",
        ),
        (
            {"quantity": {"methods": ["simclrr"]}},
            "key 'quantity.methods': unknown method 'simclrr' (did you mean 'simclr'?)",
        ),
        (
            {"quality": {"pretrain_image": 3}},
            "changed.yaml: unknown key 'quality.pretrain_image' (did you mean 'pretrain_images'?)",
        ),
    ],
)
def test_a_mistake_in_the_config_is_one_sentence_before_any_job(tmp_path, changes, sentence):
    result = snakemake(tmp_path, "all", config=write_config(tmp_path, **changes))
    assert result.returncode != 0
    assert sentence in output_of(result)
    assert "Traceback" not in output_of(result)
    assert not (tmp_path / "data").exists()


def test_mistakes_in_the_data_are_one_sentence(tmp_path):
    result = snakemake(tmp_path, "betons")
    assert (
        "config key 'datasets.animals.path' is 'animals.tar.gz', but there is no "
        f"{tmp_path}" in output_of(result)
    )
    assert "Traceback" not in output_of(result)

    make_archive(tmp_path)
    whole = (tmp_path / "animals.tar.gz").read_bytes()
    (tmp_path / "animals.tar.gz").write_bytes(whole[: len(whole) // 2])
    result = snakemake(tmp_path, "betons")
    assert "animals.tar.gz is damaged or truncated after" in output_of(result)
    assert "Traceback" not in output_of(result)

    (tmp_path / "animals.tar.gz").write_bytes(whole)
    config = write_config(
        tmp_path, max_undecodable=0.05, lenses=["quantity"], quantity={"pretrain_images": [37]}
    )
    result = snakemake(tmp_path, "pretrain_all", config=config)
    assert (
        "dataset 'animals' has 36 usable training images, but the config asks for 37"
        in output_of(result)
    )
    assert "Traceback" not in output_of(result)

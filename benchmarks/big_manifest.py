"""Seconds and peak memory of every step up to training, for a dataset of iNat21's size on paper.

    python benchmarks/big_manifest.py

2.7 million names, 10,000 classes, 7 levels. No images: the index step is given names with the bytes
of one small JPEG. Every step is a separate process, as in a study.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LEVELS = ("kingdom", "phylum", "class", "order", "family", "genus")
# species of a label at each of these levels, which have 3, 13, 51, 273 … labels, as in iNat21
SPREAD = (3334, 770, 196, 37, 9, 2)
SIZES = (50_000, 125_000, 250_000, 500_000, 1_000_000)
SECONDS, GIB = 120, 4  # the bars


def measure(rows: int = 2_700_000, classes: int = 10_000) -> list[dict]:
    """A row per step: its seconds and its peak memory."""
    table = []
    with tempfile.TemporaryDirectory() as folder:
        for step in (
            "index",
            *(f"subset {size}" for size in SIZES),
            "read for writing",
            "read for evaluating",
            "plan",
        ):
            if step.startswith("subset") and int(step.split()[1]) > rows:
                continue
            command = [
                sys.executable,
                __file__,
                "--step",
                step,
                "--rows",
                str(rows),
                "--classes",
                str(classes),
                "--folder",
                folder,
            ]
            began = time.perf_counter()
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                raise RuntimeError(f"{step} failed:\n{result.stderr}")
            seconds = time.perf_counter() - began
            table.append(
                {
                    "what": f"{rows} images: {step}",
                    "seconds": seconds,
                    **json.loads(result.stdout.splitlines()[-1]),
                }
            )
    return table


def _index(rows: int, classes: int, folder: Path) -> None:
    from fourlenses.data.manifest.manifest import hierarchy_of, write_manifest
    from fourlenses.data.sources import image_folder
    from fourlenses.data.sources.common import image_files as pictures

    species = [
        f"{number:05d}_Animalia_Chordata_Aves_Passeriformes_Corvidae_Corvus_species{number}"
        for number in range(classes)
    ]
    lines = [",".join(("class", *LEVELS))]
    for number, name in enumerate(species):
        lines.append(
            ",".join(
                [
                    name,
                    *(
                        f"{level}{number // spread}"
                        for level, spread in zip(LEVELS, SPREAD, strict=True)
                    ),
                ]
            )
        )
    (folder / "classes.csv").write_text("\n".join(lines))
    picture = _jpeg()

    def walk(path: Path, dataset: str, **_):
        for row in range(rows):
            split = "val" if row % 27 == 0 else "train"
            yield (
                f"{split}/{species[row * classes // rows]}/{row:08x}-1234-4567-89ab-{row:012x}.jpg",
                picture,
            )
        yield "classes.csv", (folder / "classes.csv").read_bytes()

    pictures.walk = walk
    definition = {
        "source": "image_folder",
        "path": ".",
        "classes": "classes.csv",
        "levels": list(LEVELS),
    }
    manifest = image_folder.index("big", definition, folder)
    write_manifest(manifest, folder / "manifest.parquet")
    assert [len(names) for names in hierarchy_of(manifest).classes][-1] == classes


def _subset(size: int, folder: Path) -> None:
    import numpy as np

    from fourlenses.data.manifest.manifest import read_manifest
    from fourlenses.data.manifest.subsets import draw_subset

    rows = draw_subset(
        read_manifest(folder / "manifest.parquet"),
        {"train/none.jpg"},
        subset=size,
        seed=0,
        dataset="big",
    )
    np.save(folder / f"{size}.npy", rows)
    smaller = sorted(int(file.stem) for file in folder.glob("*.npy") if int(file.stem) < size)
    if smaller:
        assert np.isin(np.load(folder / f"{smaller[-1]}.npy"), rows).all()


def _read_for_writing(folder: Path) -> None:
    """What write_beton takes from a manifest, and the places of as many samples."""
    from fourlenses.core.randomness import string_ids
    from fourlenses.data.beton.writer import BetonWriter
    from fourlenses.data.manifest.manifest import column, labels_of, read_manifest, rows_of

    manifest = read_manifest(folder / "manifest.parquet")
    labels, numbers, train = (
        labels_of(manifest),
        string_ids(column(manifest, "id")),
        rows_of(manifest, "train"),
    )
    writer, picture = BetonWriter(folder / "x.beton", len(labels)), _jpeg()
    for row, _ in enumerate(column(manifest, "path")):
        writer.add(picture, width=16, height=16, label=int(labels[row]), index=row)
    writer.close()
    assert len(numbers) == len(labels) > len(train)
    (folder / "x.beton").unlink()


def _read_for_evaluating(folder: Path) -> None:
    from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, rows_of

    manifest = read_manifest(folder / "manifest.parquet")
    hierarchy_of(manifest), rows_of(manifest, "test")


def _plan(rows: int) -> None:
    import yaml

    from fourlenses.lenses.plan import make_plan

    config = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())
    config["datasets"] = {"big": {"source": "image_folder", "path": ".", "train_images": rows}}
    sizes = [size for size in SIZES if size <= rows]
    config["quantity"].update(datasets=["big"], pretrain_images=sizes, labelled_images=sizes)
    for lens in ("domain", "quality", "granularity"):
        config[lens].update(datasets=["big"], pretrain_images=sizes[-1], labelled_images="all")
    make_plan(config).as_json()


def _jpeg() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "green").save(buffer, "JPEG")
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_700_000)
    parser.add_argument("--classes", type=int, default=10_000)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step is None:
        table = measure(arguments.rows, arguments.classes)
        for row in table:
            print(f"{row['what']}: {row['seconds']:.1f} s, {row['peak_memory_mb']} MB")
        total, peak = (
            sum(row["seconds"] for row in table),
            max(row["peak_memory_mb"] for row in table),
        )
        cores = len(os.sched_getaffinity(0))
        print(
            f"all steps: {total:.0f} s (bar {SECONDS} s), peak {peak} MB (bar {GIB << 10} MB), on "
            f"{cores} cores"
        )
        return
    step, _, size = arguments.step.partition(" ")
    steps = {
        "index": lambda: _index(arguments.rows, arguments.classes, arguments.folder),
        "subset": lambda: _subset(int(size), arguments.folder),
        "read": lambda: (_read_for_writing if size == "for writing" else _read_for_evaluating)(
            arguments.folder
        ),
        "plan": lambda: _plan(arguments.rows),
    }
    steps[step]()
    print(json.dumps({"peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}))


if __name__ == "__main__":
    main()

"""A metrics table with planted numbers, written row by row as the pipeline writes it."""

import csv
from pathlib import Path

COLUMNS = (
    *(
        "study",
        "lens",
        "method",
        "backbone",
        "source",
        "pretrain_images",
        "corruption",
        "seed",
        "target",
        "level",
    ),
    *("labelled_images", "protocol", "top1", "top1_low", "top1_high", "top5", "n_test", "run"),
)


def row(
    lens: str, method: str, source: str, target: str, top1: float, half: float = 1.0, **more: object
) -> dict[str, object]:
    """One row; `pretrain_images` follows from the source's name, everything else may be given."""
    clean = source.partition("@")[0]
    sizes = [part.rpartition("-")[2] for part in clean.split("+")]
    values = {
        "study": "planted",
        "lens": lens,
        "method": method,
        "backbone": "resnet18",
        "source": source,
        "pretrain_images": sum(int(size) for size in sizes if size.isdigit()),
        "corruption": source.partition("@")[2] or "none",
        "seed": 0,
        "target": target,
        "level": "fine",
        "labelled_images": 1000,
        "protocol": "linear",
        "top1": top1,
        "top1_low": max(top1 - half, 0.0),
        "top1_high": min(top1 + half, 100.0),
        "top5": "",
        "n_test": 5000,
    }
    values |= more
    values["run"] = "-".join(
        str(values[key])
        for key in ("method", "source", "seed", "target", "level", "labelled_images", "protocol")
    )
    return values


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    """The rows as a metrics.csv at `path`, with further columns where rows have them."""
    more = dict.fromkeys(key for entry in rows for key in entry if key not in COLUMNS)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *more], restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def planted() -> list[dict[str, object]]:
    """Two targets, a and b, with every lens: the numbers that the tests look for are all made
    here."""
    rows = []
    for target, other, base in (("a", "b", 40.0), ("b", "a", 60.0)):
        for size_index, images in enumerate((1000, 10000)):
            for step, labelled in enumerate((100, 1000)):
                lens = (
                    "quantity;domain;granularity;alternatives"
                    if (images, labelled) == (10000, 1000)
                    else "quantity"
                )
                for seed in (0, 1):
                    top1 = base + 5 * size_index + 10 * step + 2 * seed
                    rows.append(
                        row(
                            lens,
                            "simclr",
                            f"{target}-{images}",
                            target,
                            top1,
                            labelled_images=labelled,
                            seed=seed,
                        )
                    )
        for step, labelled in enumerate((100, 1000)):
            lens = "quantity;granularity" if labelled == 1000 else "quantity"
            rows.append(
                row(
                    lens,
                    "supervised",
                    f"{target}-{labelled}",
                    target,
                    20.0 + 50 * step,
                    protocol="scratch",
                    labelled_images=labelled,
                )
            )
            lens = "quantity;domain;granularity" if labelled == 1000 else "quantity"
            rows.append(row(lens, "random", "none", target, 10.0 + step, labelled_images=labelled))
        rows.append(row("domain", "simclr", f"{other}-10000", target, base + 4))
        rows.append(row("domain", "simclr", "a-5000+b-5000", target, base + 12))
        rows.append(row("domain;quality", "supervised", f"{target}-10000", target, 80.0))
        rows.append(row("granularity", "simclr", f"{target}-10000", target, 85.0, level="coarse"))
        rows.append(
            row(
                "granularity",
                "supervised",
                f"{target}-1000",
                target,
                90.0,
                protocol="scratch",
                level="coarse",
            )
        )
        rows.append(row("granularity", "random", "none", target, 30.0, level="coarse"))
    for corruption, drop in (("jpeg10", 6.0), ("down4", 20.0)):
        for seed in (0, 1):
            rows.append(
                row(
                    "quality",
                    "simclr",
                    f"a-10000@{corruption}",
                    "a",
                    55.0 + 2 * seed - drop,
                    seed=seed,
                )
            )
        rows.append(
            row("quality", "supervised", f"a-10000@{corruption}", "a", 80.0 - drop / 4, half=2.0)
        )
    return rows

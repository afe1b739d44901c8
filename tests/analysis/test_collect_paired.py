"""From predictions to paired.csv: every pair counted, at every level, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from fourlenses.analysis import joint_counts
from fourlenses.analysis.collect_paired import collect_paired
from fourlenses.core.errors import UserError
from fourlenses.data.manifest.manifest import write_manifest
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions

LABELS = np.arange(200) % 4


@pytest.fixture
def manifest(tmp_path):
    """Target a: four classes of two kinds."""
    names = [f"{number}.jpg" for number in range(8)]
    table = pd.DataFrame(
        {"id": names, "path": names, "split": ["train", "test"] * 4, "width": 3, "height": 3}
    )
    table["level:coarse"], table["level:fine"] = list("aaaabbbb"), list("wwxxyyzz")
    write_manifest(table, tmp_path / "manifest.parquet")
    return tmp_path / "manifest.parquet"


def evaluated(folder, run, protocol, wrong, lenses, labelled="100"):
    """One cell: its record and predictions, of which the first `wrong` are of the next class;
    returns its line of the plan."""
    alone = protocol == "linear"
    name = f"{run}/cells.json" if alone else f"{run}/{protocol}/a/{labelled}.json"
    file = folder / "evaluate" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    cell = {
        "run": run,
        "target": "a",
        "labelled": labelled,
        "protocol": protocol,
        "labelled_images": 100,
        "seed": int(run[-1]),
    }
    file.write_text(
        json.dumps({"cells": [cell | {"levels": [{"level": "coarse"}, {"level": "fine"}]}]})
    )
    predicted = np.where(np.arange(200) < wrong, (LABELS + 1) % 4, LABELS)
    predictions = TargetPredictions(
        predicted={f"{protocol}/{labelled}": predicted},
        rows=np.arange(200),
        labels=LABELS,
        classes=list("wxyz"),
    )
    write_predictions(
        file.with_name("predictions.npz") if alone else file.with_suffix(".npz"), {"a": predictions}
    )
    return {key: cell[key] for key in ("run", "target", "labelled", "protocol")} | {
        "record": name,
        "lenses": lenses,
    }


def collected(folder, cells, manifest):
    (folder / "study.json").write_text(json.dumps({"study": "mine", "cells": cells}))
    rows = collect_paired(
        folder / "study.json",
        folder / "evaluate",
        manifests={"a": manifest},
        output=folder / "paired.csv",
    )
    table = pd.read_csv(folder / "paired.csv", dtype={"both_right": str})
    assert len(table) == rows
    return table


def test_every_cell_of_a_target_and_label_size_is_counted_with_every_other(tmp_path, manifest):
    first = evaluated(tmp_path, "simclr/a-100/seed0", "linear", 40, ["domain", "quantity"])
    other = evaluated(tmp_path, "simclr/b-100/seed1", "linear", 60, ["domain"])
    scratch = evaluated(tmp_path, "supervised/a-100/seed0", "scratch", 20, ["quantity"])
    table = collected(tmp_path, [first, other, scratch], manifest)
    assert (table["level"] == "fine").all()
    assert list(zip(table["run"], table["both_right"], strict=True)) == [
        (first["run"], "160"),
        (other["run"], "140 140"),
        (scratch["run"], "160 140 180"),
    ]


def test_coarser_levels_where_the_lens_granularity_looks(tmp_path, manifest):
    first = evaluated(tmp_path, "simclr/a-100/seed0", "linear", 40, ["granularity"])
    table = collected(tmp_path, [first], manifest)
    assert table["level"].tolist() == ["coarse", "fine"]
    # of the 40 wrong ones, every other is of the next class in the same kind
    assert table["both_right"].tolist() == ["180", "160 160"]
    table.attrs["path"] = str(tmp_path / "metrics.csv")
    group = joint_counts.read(table)["a", 100]
    fine, coarse = (np.arange(200) >= 40), (np.arange(200) >= 40) | (np.arange(200) % 2 == 0)
    np.testing.assert_allclose(group.covariance, np.cov(np.stack([coarse, fine]), bias=True))


def test_other_test_images_are_not_counted_together(tmp_path, manifest, caplog):
    first = evaluated(tmp_path, "simclr/a-100/seed0", "linear", 40, ["domain"])
    other = evaluated(tmp_path, "simclr/b-100/seed0", "linear", 60, ["domain"])
    predictions = TargetPredictions(
        predicted={"linear/100": LABELS[:150]},
        rows=np.arange(150),
        labels=LABELS[:150],
        classes=list("wxyz"),
    )
    write_predictions(tmp_path / "evaluate" / other["run"] / "predictions.npz", {"a": predictions})
    table = collected(tmp_path, [first, other], manifest)
    assert table["both_right"].tolist() == ["160", ". 150"]
    assert "different images of a" in caplog.text


def test_missing_predictions_are_named(tmp_path, manifest):
    cell = evaluated(tmp_path, "simclr/a-100/seed0", "linear", 40, ["domain"])
    (tmp_path / "evaluate" / cell["run"] / "predictions.npz").unlink()
    with pytest.raises(UserError, match=r"predictions\.npz is missing; run snakemake evaluate_all"):
        collected(tmp_path, [cell], manifest)

"""Finished pretrainings and evaluations: their results come back without training again."""

import json
import shutil
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pyarrow.parquet
import pytest
import torch

from fourlenses.core.files import read_json, write_json
from fourlenses.evaluation.finetuning.evaluate import finetune_and_test
from fourlenses.evaluation.record import encoder_columns
from fourlenses.resume import result_cache as finished
from fourlenses.resume.placement import Placement
from fourlenses.resume.result_cache import FOLDER
from fourlenses.training.pretrain import OUTPUTS, pretrain
from fourlenses.training.trainer import Trainer
from tests.helpers.runs import data, go, left_behind, read_folder, settings
from tests.helpers.trained import make_encoder, make_target
from tests.helpers.trained import settings as evaluation_settings

ROOT = Path(__file__).parents[2]


def run(folder: Path, chosen) -> dict[str, bytes]:
    placement = Placement(folder / "checkpoints", device="cpu", checkpoint_seconds=1e9)
    pretrain(chosen, data(folder), placement=placement, output=folder / "run")
    return read_folder(folder / "run")


def test_a_finished_run_whose_outputs_were_removed_is_not_trained_again(dataset, monkeypatch):
    first = run(dataset, settings())
    assert set(first) == set(OUTPUTS)
    assert left_behind(dataset / "checkpoints") == {FOLDER}
    shutil.rmtree(dataset / "run")
    with monkeypatch.context() as patched:
        patched.delattr(Trainer, "train")
        assert run(dataset, settings()) == first  # run.json and its wall time too
        with pytest.raises(AttributeError):
            run(dataset, settings(learning_rate=0.003))
        patched.setattr(
            finished, "code_version", lambda: {"code_sha256": "edited", "torch": torch.__version__}
        )
        with pytest.raises(AttributeError):
            run(dataset, settings())
    sidecar = dataset / "clean.json"
    write_json(sidecar, read_json(sidecar) | {"content_sha256": "f" * 64})  # other images
    with monkeypatch.context() as patched:
        patched.delattr(Trainer, "train")
        with pytest.raises(AttributeError):
            run(dataset, settings())


def test_a_run_with_a_damaged_set_trains_again(dataset, caplog):
    go(dataset, "run", settings())
    encoder = next(dataset.glob(f"checkpoints/*/{FOLDER}/encoder.safetensors"))
    content = bytearray(encoder.read_bytes())
    content[-1] ^= 1
    encoder.write_bytes(content)
    made = run(dataset, settings())
    assert "encoder.safetensors has SHA-256" in caplog.text
    assert made["encoder.safetensors"] != bytes(content)
    shutil.rmtree(dataset / "run")
    assert run(dataset, settings()) == made  # and is kept again


def test_an_orphan_ends_well_once_another_has_finished(dataset, monkeypatch):
    """The run is taken over while it trains, by a run that finishes.

    Then it comes to its end, or to its next checkpoint.
    """
    train, others = Trainer.train, []

    def taken_over(self, state):
        if not others:
            others.append("begun")
            (lock,) = dataset.glob("checkpoints/*/lock.json")
            lock.unlink()
            others.append(run(dataset, settings()))
        return train(self, state)

    monkeypatch.setattr(Trainer, "train", taken_over)
    assert run(dataset, settings()) == others[1]
    assert left_behind(dataset / "checkpoints") == {FOLDER}


def test_an_orphan_of_two_processes_ends_well_too(dataset):
    chosen = settings(epochs=400)
    go(dataset, "run", chosen)
    expected = read_folder(dataset / "run")
    shutil.rmtree(dataset / "run")
    (cache,) = dataset.glob(f"checkpoints/*/{FOLDER}")
    aside = cache.rename(dataset / "aside")
    options = {
        "--settings": json.dumps(chosen.as_json()),
        "--betons": dataset / "clean.beton",
        "--subsets": dataset / "all.npy",
        "--datasets": "animals",
        "--output": dataset / "run",
        "--checkpoints": dataset / "checkpoints",
        "--checkpoint-minutes": 0,
        "--processes": 2,
        "--workers": 2,
        "--device": "cpu",
    }
    program = [sys.executable, ROOT / "workflow_scripts" / "pretrain.py"]
    program = [str(part) for part in chain(program, *options.items())]
    process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 180
    while not list(dataset.glob("checkpoints/*/step*.pt")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    aside.rename(cache)
    write_json(cache.parent / "lock.json", {"pid": 7, "host": "elsewhere"})
    _, log = process.communicate(timeout=180)
    assert process.returncode == 0, log
    assert "was taken over by process 7 on host elsewhere" in log
    assert read_folder(dataset / "run") == expected
    # and one that is started again trains nothing, in both processes
    shutil.rmtree(dataset / "run")
    (cache.parent / "lock.json").unlink()
    again = subprocess.run(program, capture_output=True, text=True, check=False, timeout=180)
    assert again.returncode == 0, again.stderr
    assert "nothing is trained" in again.stderr
    assert read_folder(dataset / "run") == expected


def test_a_finished_evaluation_whose_outputs_were_removed_is_not_made_again(tmp_path, monkeypatch):
    target, encoder = make_target(tmp_path), make_encoder(tmp_path / "run")
    output = tmp_path / "out" / "all.json"

    def evaluate(run=encoder) -> dict[str, bytes]:
        def write(record, images, folder):
            top1, count = record.report.top1, len(images.rows)
            content = {"top1": top1, "images": count, "run": encoder_columns([run])}
            write_json(folder / "all.json", content)

        finetune_and_test(
            run,
            target,
            evaluation_settings("fine_tune"),
            placement=Placement(tmp_path / "checkpoints", device="cpu"),
            outputs={"all.json": output},
            write=write,
        )
        return read_folder(output.parent)

    first = evaluate()
    assert left_behind(tmp_path / "checkpoints") == {FOLDER}
    output.unlink()
    monkeypatch.delattr(Trainer, "train")
    assert evaluate() == first
    # the same weights under another name, which the record holds
    with pytest.raises(AttributeError):
        evaluate(make_encoder(tmp_path / "byol", "byol"))
    # levels and names of classes come from the manifest
    manifest = pyarrow.parquet.read_table(target.manifest)
    pyarrow.parquet.write_table(
        manifest.replace_schema_metadata((manifest.schema.metadata or {}) | {"edited": "yes"}),
        target.manifest,
    )
    with pytest.raises(AttributeError):
        evaluate()

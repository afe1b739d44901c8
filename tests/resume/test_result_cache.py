"""The result cache: a set of results comes back whole or not at all.

Never where other results would be made now.
"""

import errno
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet
import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import fourlenses
from fourlenses.core.files import read_json, write_json
from fourlenses.evaluation.finetuning.evaluate import finetune_and_test
from fourlenses.evaluation.record import encoder_columns
from fourlenses.resume import code_version as source_code
from fourlenses.resume import result_cache as finished
from fourlenses.resume.lock import LockLost
from fourlenses.resume.placement import Placement
from fourlenses.resume.result_cache import FOLDER, SEAL, ResultCache
from fourlenses.training.pretrain import OUTPUTS, pretrain
from fourlenses.training.trainer import Trainer
from tests.helpers.runs import data, go, left_behind, settings
from tests.helpers.trained import make_encoder, make_target
from tests.helpers.trained import settings as evaluation_settings

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
CONTENT = {"weights.bin": bytes(range(256)) * 4, "record.json": b'{"a": 1}\n'}
MADE_FROM = {"beton": "0123"}


def made(folder: Path, made_from: dict = MADE_FROM) -> ResultCache:
    return ResultCache(
        folder / "key", {name: folder / "out" / name for name in CONTENT}, CPU, made_from
    )


def write(folder: Path) -> None:
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)


def read(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def kept(tmp_path) -> Path:
    """A folder in which a set was kept, and whose outputs were removed since."""
    made(tmp_path).keep(write)
    assert read(tmp_path / "out") == CONTENT
    shutil.rmtree(tmp_path / "out")
    return tmp_path


def test_outputs_come_back_as_links_that_are_as_new_as_their_making(kept, caplog):
    for name in CONTENT:
        os.utime(kept / "key" / FOLDER / name, (1, 1))
    caplog.set_level(logging.INFO)
    assert made(kept).put_back()
    assert read(kept / "out") == CONTENT  # and no temporary file
    assert f"were kept in {kept}/key/{FOLDER} and are put into place" in caplog.text
    for name in CONTENT:
        output = (kept / "out" / name).stat()
        assert output.st_ino == (kept / "key" / FOLDER / name).stat().st_ino
        assert time.time() - output.st_mtime < 60
    assert made(kept).put_back()  # over themselves
    assert read(kept / "out") == CONTENT


@given(data=st.data())
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_damaged_what_comes_back_is_what_was_made(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    made(folder).keep(write)
    shutil.rmtree(folder / "out")
    file = folder / "key" / FOLDER / data.draw(st.sampled_from([*CONTENT, SEAL]))
    content = bytearray(file.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "remove", "empty"])):
        case "flip":
            content[position] ^= 1 << data.draw(st.integers(0, 7))
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[:position])
        case "remove":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
    before = read(folder / "key" / FOLDER)
    if made(folder).put_back():  # a bit of the seal that says nothing of the files
        assert read(folder / "out") == CONTENT
    else:
        assert read(folder / "out") == {}
        after = read(folder / "key" / FOLDER)
        # with a bit flipped, the seal may seem to say that it was made from something else; other
        # damage is cleared away
        assert after == {} or (file.name == SEAL and after == before)


@pytest.mark.parametrize("name", CONTENT)
def test_a_damaged_set_is_passed_over_with_a_warning_and_removed(kept, caplog, name):
    file = kept / "key" / FOLDER / name
    file.write_bytes(file.read_bytes()[:-1])
    assert not made(kept).put_back(owned=False)
    assert file.exists()  # another's
    assert not made(kept).put_back()
    assert f"{name} has SHA-256" in caplog.text
    assert not (kept / "key" / FOLDER).exists()
    made(kept).keep(write)
    assert made(kept).put_back()


def test_a_set_without_its_seal_was_begun_by_a_killed_process(kept):
    (kept / "key" / FOLDER / SEAL).unlink()
    assert not made(kept).put_back()
    assert not (kept / "key" / FOLDER).exists()
    (kept / "out").mkdir()
    (kept / "out" / ".weights.bin.part").write_bytes(b"left by a killed process")
    made(kept).keep(write)
    assert read(kept / "out") == CONTENT


def test_nothing_half_written_stays_where_writing_fails(tmp_path):
    def fails(folder: Path) -> None:
        write(folder)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "weights.bin")

    with pytest.raises(OSError, match="No space left"):
        made(tmp_path).keep(fails)
    assert not (tmp_path / "key" / FOLDER).exists()
    assert not (tmp_path / "out").exists()


def test_a_set_that_cannot_be_read_is_not_taken_for_damaged(kept, monkeypatch):
    def broken(file):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))

    monkeypatch.setattr(finished, "sha256", broken)
    with pytest.raises(OSError, match="Input/output error"):
        made(kept).put_back()
    monkeypatch.undo()
    assert made(kept).put_back()


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV, errno.EOPNOTSUPP, errno.EMLINK])
def test_where_links_are_refused_outputs_are_copies(tmp_path, monkeypatch, number):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    made(tmp_path).keep(write)
    assert read(tmp_path / "out") == CONTENT
    output = tmp_path / "out" / "weights.bin"
    assert output.stat().st_nlink == 1
    assert (
        output.stat().st_mode & 0o777
        == (tmp_path / "key" / FOLDER / "weights.bin").stat().st_mode & 0o777
    )
    shutil.rmtree(tmp_path / "out")
    assert made(tmp_path).put_back()
    assert read(tmp_path / "out") == CONTENT


def test_what_was_made_from_something_else_stays_until_it_is_replaced(kept, caplog):
    other = {"beton": "4567"}
    assert not made(kept, other).put_back()
    assert f"made with another beton ({SEAL} has the former)" in caplog.text
    assert made(kept).put_back()
    made(kept, other).keep(write)
    assert made(kept, other).put_back()
    assert not made(kept).put_back()


def test_nothing_is_put_back_for_images_without_a_hash(tmp_path):
    made(tmp_path, {"beton": None}).keep(write)
    shutil.rmtree(tmp_path / "out")
    assert not made(tmp_path, {"beton": None}).put_back()


def test_who_lost_the_directory_to_one_that_finished_ends_quietly(kept, caplog):
    with made(kept).by_another():
        raise LockLost("it was taken over by process 7")
    assert "taken over by process 7. It has finished" in caplog.text
    assert read(kept / "out") == CONTENT
    shutil.rmtree(kept / "key")
    with pytest.raises(LockLost), made(kept).by_another():
        raise LockLost("it was taken over by process 7")


def test_the_code_version_is_of_all_that_a_training_runs():
    program = (
        "import sys, fourlenses.training.pretrain, fourlenses.core.cli\n"
        "import fourlenses.evaluation.finetuning.evaluate\n"
        "import fourlenses.evaluation.finetuning.record\n"
        "import fourlenses.data.loading.streaming\n"
        "files = (getattr(module, '__file__', None) or '' for module in sys.modules.values())\n"
        "print('\\n'.join(files))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    package = Path(fourlenses.__file__).parent
    own = [
        Path(line).relative_to(package)
        for line in result.stdout.splitlines()
        if line.startswith(f"{package}/")
    ]
    assert len(own) > 50
    assert {file.parts[0] for file in own if len(file.parts) > 1} <= set(source_code.PACKAGES)


def test_the_code_version_changes_with_any_file_that_counts(tmp_path, monkeypatch):
    for name in ("__init__.py", "methods/simclr.py", "data/sources/wordnet.py", "lenses/domain.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(fourlenses, "__file__", str(tmp_path / "__init__.py"))

    def version() -> str:
        source_code.code_version.cache_clear()
        return source_code.code_version()["code_sha256"]

    seen = [version()]
    (tmp_path / "lenses/domain.py").write_text("x = 2\n")
    assert version() == seen[0]
    (tmp_path / "methods/simclr.py").write_text("x = 2\n")
    seen.append(version())
    (tmp_path / "data/sources/wordnet.py").rename(tmp_path / "data/wordnet.py")
    seen.append(version())
    (tmp_path / "randomness.py").write_text("")
    seen.append(version())
    assert len(set(seen)) == 4
    source_code.code_version.cache_clear()


# --- a pretraining


def run(folder: Path, chosen) -> dict[str, bytes]:
    pretrain(
        chosen,
        data(folder),
        Placement(folder / "checkpoints", device="cpu", checkpoint_seconds=1e9),
        folder / "run",
    )
    return read(folder / "run")


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
            (owner,) = dataset.glob("checkpoints/*/owner.json")
            owner.unlink()
            others.append(run(dataset, settings()))
        return train(self, state)

    monkeypatch.setattr(Trainer, "train", taken_over)
    assert run(dataset, settings()) == others[1]
    assert left_behind(dataset / "checkpoints") == {FOLDER}


def test_an_orphan_of_two_processes_ends_well_too(dataset):
    chosen = settings(epochs=400)
    go(dataset, "run", chosen)
    expected = read(dataset / "run")
    shutil.rmtree(dataset / "run")
    (kept,) = dataset.glob(f"checkpoints/*/{FOLDER}")
    aside = kept.rename(dataset / "aside")
    program = [
        sys.executable,
        str(ROOT / "workflow_scripts" / "pretrain.py"),
        "--settings",
        json.dumps(chosen.as_json()),
    ]
    program += [
        "--betons",
        dataset / "clean.beton",
        "--subsets",
        dataset / "all.npy",
        "--datasets",
        "animals",
        "--output",
        dataset / "run",
    ]
    program += [
        "--checkpoints",
        dataset / "checkpoints",
        "--checkpoint-minutes",
        "0",
        "--processes",
        "2",
        "--workers",
        "2",
        "--device",
        "cpu",
    ]
    process = subprocess.Popen([str(part) for part in program], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 180
    while not list(dataset.glob("checkpoints/*/step*.pt")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    aside.rename(kept)
    write_json(kept.parent / "owner.json", {"pid": 7, "host": "elsewhere"})
    _, log = process.communicate(timeout=180)
    assert process.returncode == 0, log
    assert "was taken over by process 7 on host elsewhere" in log
    assert read(dataset / "run") == expected
    # and one that is started again trains nothing, in both processes
    shutil.rmtree(dataset / "run")
    (kept.parent / "owner.json").unlink()
    again = subprocess.run(
        [str(part) for part in program], capture_output=True, text=True, check=False, timeout=180
    )
    assert again.returncode == 0, again.stderr
    assert "nothing is trained" in again.stderr
    assert read(dataset / "run") == expected


# --- an evaluation that trains


def test_a_finished_evaluation_whose_outputs_were_removed_is_not_made_again(tmp_path, monkeypatch):
    target, encoder = make_target(tmp_path), make_encoder(tmp_path / "run")
    output = tmp_path / "out" / "all.json"

    def evaluate(run=encoder) -> dict[str, bytes]:
        def write(record, images, folder):
            top1, count = record.report.top1, len(images.rows)
            content = {"top1": top1, "images": count, "run": encoder_columns([run])}
            write_json(folder / "all.json", content)

        chosen, placement = (
            evaluation_settings("fine_tune"),
            Placement(tmp_path / "checkpoints", device="cpu"),
        )
        finetune_and_test(
            run, target, chosen, placement=placement, outputs={"all.json": output}, write=write
        )
        return read(output.parent)

    first = evaluate()
    assert left_behind(tmp_path / "checkpoints") == {FOLDER}
    output.unlink()
    monkeypatch.delattr(Trainer, "train")
    assert evaluate() == first
    with pytest.raises(
        AttributeError
    ):  # the same weights under another name, which the record holds
        evaluate(make_encoder(tmp_path / "byol", "byol"))
    manifest = pyarrow.parquet.read_table(
        target.manifest
    )  # levels and names of classes come from it
    pyarrow.parquet.write_table(
        manifest.replace_schema_metadata((manifest.schema.metadata or {}) | {"edited": "yes"}),
        target.manifest,
    )
    with pytest.raises(AttributeError):
        evaluate()

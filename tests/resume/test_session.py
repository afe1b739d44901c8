"""The choreography around a resumable training: what happens in which order, and after failures."""

import contextlib
import logging
import shutil
import threading
from pathlib import Path

import pytest
import torch

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.core.files import read_json
from fourlenses.parallel import distributed
from fourlenses.resume import session as sessions
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.lock import LockLost, TrainingLock
from fourlenses.resume.placement import Placement
from fourlenses.resume.result_cache import FOLDER
from fourlenses.resume.session import resumable_training
from tests.helpers.processes import run_processes

OUTPUT = "weights.bin"
IN_ORDER = [
    "requeue",
    "processes",
    "time limit",
    "lock",
    "restored",
    "restart log from step 7",
    "by another",
    "staged",
    "train",
    "verify",
    "keep",
    "forget restarts",
    "clear",
    "end staged",
    "end by another",
    "end restart log from step 7",
    "end lock",
    "end time limit",
    "end processes",
    "end requeue",
]


class Recorder:
    """Stands for all that a session enters, and notes in which order that happens."""

    def __init__(self, finished: bool = False):
        self.events: list[str] = []
        self.finished = finished

    @contextlib.contextmanager
    def block(self, name: str, value=None):
        self.events.append(name)
        try:
            yield value
        finally:
            self.events.append(f"end {name}")

    def note(self, name: str, value=None):
        self.events.append(name)
        return value

    def install(self, monkeypatch) -> None:
        recorder = self

        class TimeLimit(contextlib.ExitStack):
            def __init__(self, minutes):
                super().__init__()

            def __enter__(self):
                self.enter_context(recorder.block("time limit"))
                return self

        class Lock(contextlib.ExitStack):
            def __init__(self, directory):
                super().__init__()

            def __enter__(self):
                self.enter_context(recorder.block("lock"))
                return self

            def verify(self):
                recorder.note("verify")

        class Results:
            def __init__(self, directory, outputs, device, made_from):
                pass

            def put_back(self):
                return recorder.note("restored", recorder.finished)

            def by_another(self):
                return recorder.block("by another")

            def keep(self, write):
                recorder.note("keep")

        class Restarts:
            def __init__(self, directory):
                pass

            def attempt(self, start):
                return recorder.block(f"restart log from {start}")

            def clear(self):
                recorder.note("forget restarts")

        fakes = {
            "requeued_when_out_of_time": lambda wanted, limit: self.block("requeue"),
            "joined_processes": lambda device: self.block("processes", device),
            "staged": lambda betons, folder: self.block("staged", betons),
            "TimeLimit": TimeLimit,
            "TrainingLock": Lock,
            "ResultCache": Results,
            "RestartLog": Restarts,
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(sessions, name, fake)


def train(recorder: Recorder, failure: BaseException | None = None) -> None:
    placement = Placement(Path("checkpoints"), device="cpu")
    with resumable_training(Path("key"), placement, outputs={}, made_from={}) as session:
        if session.finished:
            return
        with session.attempt(lambda: "step 7", [Path("a.beton")]) as betons:
            assert betons == [Path("a.beton")]
            recorder.note("train")
            if failure:
                raise failure
            session.finish(lambda folder: None, lambda: recorder.note("clear"))


def test_everything_happens_in_the_documented_order(monkeypatch):
    recorder = Recorder()
    recorder.install(monkeypatch)
    train(recorder)
    assert recorder.events == IN_ORDER


def test_a_finished_training_is_put_back_and_nothing_is_trained(monkeypatch):
    recorder = Recorder(finished=True)
    recorder.install(monkeypatch)
    train(recorder)
    begun = IN_ORDER[: IN_ORDER.index("restored") + 1]
    assert recorder.events == [*begun, "end lock", "end time limit", "end processes", "end requeue"]


def test_a_failure_lets_everything_go_in_reverse_and_clears_nothing(monkeypatch):
    recorder = Recorder()
    recorder.install(monkeypatch)
    with pytest.raises(Interrupted):
        train(recorder, Interrupted("the time is over"))
    unwanted = {"verify", "keep", "forget restarts", "clear"}
    assert recorder.events == [event for event in IN_ORDER if event not in unwanted]


def test_other_processes_take_neither_the_lock_nor_an_attempt_and_keep_nothing(monkeypatch):
    recorder = Recorder()
    recorder.install(monkeypatch)
    for module in (sessions, distributed):
        monkeypatch.setattr(module, "rank", lambda: 1)
    train(recorder)
    for_the_first = {
        "lock",
        "restart log from step 7",
        "verify",
        "keep",
        "forget restarts",
        "clear",
    }
    expected = [event for event in IN_ORDER if event.removeprefix("end ") not in for_the_first]
    assert recorder.events == expected


# --- with what is there in a real run


def attempt(folder: Path, work=lambda session: None, content: bytes = b"1") -> str:
    """One attempt at a training that writes one file; what it did."""
    directory, output = folder / "checkpoints" / "key", folder / OUTPUT
    placement = Placement(folder / "checkpoints", device="cpu")
    with resumable_training(
        directory, placement, outputs={OUTPUT: output}, made_from={"beton": "0"}
    ) as session:
        if session.finished:
            return "restored"
        with session.attempt(lambda: "step 0", []):
            (directory / "checkpoint").write_bytes(b"state")
            work(session)
            session.finish(
                lambda folder: (folder / OUTPUT).write_bytes(content),
                lambda: (directory / "checkpoint").unlink(),
            )
            return "trained"
    return "ended quietly"


def left(folder: Path) -> set[str]:
    return {file.name for file in (folder / "checkpoints" / "key").iterdir()}


def test_results_outlive_the_removal_of_outputs(tmp_path):
    assert attempt(tmp_path) == "trained"
    assert left(tmp_path) == {FOLDER}
    (tmp_path / OUTPUT).unlink()
    assert attempt(tmp_path, content=b"2") == "restored"
    assert (tmp_path / OUTPUT).read_bytes() == b"1"


def test_a_failure_keeps_checkpoints_and_says_what_it_was(tmp_path):
    def fails(session):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        attempt(tmp_path, fails)
    assert left(tmp_path) == {"checkpoint", "restarts.json"}
    (entry,) = read_json(tmp_path / "checkpoints" / "key" / "restarts.json")
    assert (entry["from"], entry["ended"]) == ("step 0", "RuntimeError: out of memory")
    assert attempt(tmp_path) == "trained"
    assert left(tmp_path) == {FOLDER}


def test_an_attempt_that_repeats_itself_is_refused(tmp_path):
    def fails(session):
        raise RuntimeError("out of memory")

    for _ in range(3):
        with pytest.raises(RuntimeError):
            attempt(tmp_path, fails)
    with pytest.raises(UserError, match="3 attempts all started from step 0"):
        attempt(tmp_path)


def test_results_are_not_kept_once_the_lock_is_lost(tmp_path):
    def loses(session):
        (session.directory / "lock.json").unlink()

    with pytest.raises(LockLost):
        attempt(tmp_path, loses)
    assert not (tmp_path / OUTPUT).exists()
    assert "checkpoint" in left(tmp_path)


def test_who_lost_the_lock_to_one_that_finished_ends_quietly(tmp_path, caplog):
    def loses(session):
        (session.directory / "lock.json").unlink()
        assert attempt(tmp_path) == "trained"

    caplog.set_level(logging.WARNING)
    assert attempt(tmp_path, loses, content=b"2") == "ended quietly"
    assert (tmp_path / OUTPUT).read_bytes() == b"1"
    assert "It has finished" in caplog.text


def test_a_second_job_is_refused_while_the_first_trains(tmp_path, monkeypatch):
    monkeypatch.setattr(
        TrainingLock, "_abandoned", lambda *_: (_ for _ in ()).throw(UserError("x"))
    )

    def second(session):
        with pytest.raises(UserError):
            attempt(tmp_path)

    assert attempt(tmp_path, second) == "trained"


def _of_two(folder: str) -> tuple[str, int]:
    """One process's outcome, and how often it wrote the results."""
    written = []

    @contextlib.contextmanager
    def joined(device):  # the helper has joined them already
        yield device

    sessions.joined_processes = joined
    directory = Path(folder) / "checkpoints" / "key"
    placement = Placement(Path(folder) / "checkpoints", device="cpu")
    outputs = {OUTPUT: Path(folder) / OUTPUT}

    def write(target: Path) -> None:
        written.append(target)
        (target / OUTPUT).write_bytes(b"1")

    with resumable_training(directory, placement, outputs=outputs, made_from={}) as session:
        if session.finished:
            return "restored", len(written)
        with session.attempt(lambda: f"step {distributed.rank()}", []):
            session.finish(write, lambda: None)
    return "trained", len(written)


def test_of_two_processes_the_first_writes_and_both_learn_that_it_is_done(tmp_path):
    assert run_processes(2, _of_two, str(tmp_path)) == [("trained", 1), ("trained", 0)]
    assert (tmp_path / OUTPUT).read_bytes() == b"1"
    (tmp_path / OUTPUT).unlink()
    assert run_processes(2, _of_two, str(tmp_path)) == [("restored", 0), ("restored", 0)]
    assert (tmp_path / OUTPUT).read_bytes() == b"1"


def _loses(folder: str) -> str:
    @contextlib.contextmanager
    def joined(device):
        yield device

    sessions.joined_processes = joined
    directory = Path(folder) / "checkpoints" / "key"
    placement = Placement(Path(folder) / "checkpoints", device="cpu")
    outputs = {OUTPUT: Path(folder) / OUTPUT}
    try:
        with (
            resumable_training(directory, placement, outputs=outputs, made_from={}) as session,
            session.attempt(lambda: "step 0", []),
        ):
            if distributed.rank() == 0:
                (directory / "lock.json").unlink()
            session.finish(lambda folder: None, lambda: None)
    except LockLost:
        return "lost"
    return "kept"


def test_of_two_processes_both_end_when_the_lock_is_lost(tmp_path):
    assert run_processes(2, _loses, str(tmp_path)) == ["lost", "lost"]
    assert not (tmp_path / OUTPUT).exists()


def test_a_session_has_the_device_of_its_placement(tmp_path):
    devices = []
    attempt(tmp_path, lambda session: devices.append(session.device))
    assert devices == [torch.device("cpu")]


def _continues(folder: str) -> int:
    """The step that a process continues at, of which the second one's node sees its file late."""

    @contextlib.contextmanager
    def joined(device):
        yield device

    sessions.joined_processes = joined
    shared, stale = Checkpoints(Path(folder) / "shared"), Checkpoints(Path(folder) / "stale")
    second = distributed.rank() == 1
    if second:
        (file,) = shared.directory.glob("step000000009.*")
        arrival = (shutil.copy, (file, stale.directory))
        threading.Timer(1.0, *arrival).start()
    placement = Placement(Path(folder), device="cpu")
    with resumable_training(Path(folder) / "key", placement, outputs={}, made_from={}) as session:
        state = session.newest(stale if second else shared)
    return -1 if state is None else state["step"]


def test_two_nodes_continue_from_one_checkpoint(tmp_path):
    for name, steps in (("shared", (5, 9)), ("stale", (5,))):
        for step in steps:
            assert Checkpoints(tmp_path / name).save(step, {"step": step})
    assert run_processes(2, _continues, str(tmp_path)) == [9, 9]

"""A slice of the fuzzing of `tests.fuzz.run`: no crash, no hang, no code, no file elsewhere."""

from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from tests.fuzz.run import fuzz
from tests.fuzz.targets import HOSTILE, KINDS, MARK

FILES = 40


def test_what_is_mutated_can_be_read(tmp_path: Path) -> None:
    for make_seeds, reader in KINDS.values():
        for name, content in make_seeds(tmp_path):
            (tmp_path / name).write_bytes(content)
            if name in HOSTILE:
                with pytest.raises(UserError, match=r"could run code|not tensors and plain values"):
                    reader(tmp_path / name)
            elif not name.endswith(".index.json"):  # its shard is missing
                reader(tmp_path / name)
    assert not Path(MARK).exists()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_mutated_files_are_read_or_refused(kind: str) -> None:
    counts = fuzz(kind, seed=0, first=0, files=FILES, patience=120)
    assert counts.defects == []
    assert sum(counts.ends.values()) == FILES
    assert counts.ends["refused"] > 0


@pytest.mark.parametrize("kind", ["weights", "manifests"])
def test_files_that_ended_in_a_defect_once(kind: str) -> None:
    first = {"weights": (1091, 1463), "manifests": (474, 795)}[kind]
    for number in first:
        assert fuzz(kind, seed=0, first=number, files=1, patience=120).defects == []

"""The progress file of a training: gone at its end, and never in its way."""

import json
from pathlib import Path

from fourlenses.resume.live_progress import LiveProgress


def test_live_progress_is_gone_at_the_end_and_no_write_error_ends_a_training(
    tmp_path: Path, caplog
) -> None:
    with LiveProgress(tmp_path, "x", total_steps=10, batch_size=5, images=50) as live:
        live.took(0, [])
        assert json.loads((tmp_path / "live.json").read_text())["total_epochs"] == 1
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    clock = iter([0.0, 10.0])
    with LiveProgress(
        tmp_path / "file" / "folder",
        "x",
        total_steps=10,
        batch_size=5,
        images=50,
        clock=lambda: next(clock),
    ) as live:
        live.took(0, [])
        live.took(1, [])
    assert [record.message.count("cannot be watched") for record in caplog.records] == [1]

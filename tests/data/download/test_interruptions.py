"""Downloads by processes that are killed, onto disks that are full, and next to other downloads."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.download.download import download
from fourlenses.data.download.part_file import PartFile
from tests.helpers.downloads import CONTENT, QUICK, broken_download, fetch, remote
from tests.helpers.flaky_server import answer
from tests.helpers.small_file_system import on_a_small_file_system

ROOT = Path(__file__).parents[3]


def command(url, folder, *more, content=CONTENT) -> list[str]:
    program = [
        sys.executable,
        str(ROOT / "workflow_scripts" / "download.py"),
        "--url",
        url,
        "--to",
        str(folder),
    ]
    return [*program, "--sha256", hashlib.sha256(content).hexdigest(), "--tries", "2", *more]


def run(arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


@pytest.mark.parametrize("etag", ['"one"', 'W/"one"', ""])
def test_after_kill_9_only_the_rest_is_sent(server, tmp_path, etag):
    server.etag, server.piece, server.pause = etag, 1000, 0.01
    part = tmp_path / "animals.tar.gz.part"
    process = subprocess.Popen(
        command(server.url, tmp_path),
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    deadline = time.monotonic() + 60
    while not part.exists() or part.stat().st_size < 20_000:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    kept = part.stat().st_size
    assert 20_000 <= kept < len(CONTENT)
    assert not (tmp_path / "animals.tar.gz").exists()

    server.pause = 0
    result = run(command(server.url, tmp_path, "--record", str(tmp_path / "record.json")))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "animals.tar.gz").read_bytes() == CONTENT
    assert server.asked[1][1] == f"bytes={kept}-"
    assert server.sent[1] == len(CONTENT) - kept
    assert "animals.tar.gz" in result.stderr  # the progress bar's name
    record = json.loads((tmp_path / "record.json").read_text())
    assert record == {
        "bytes": len(CONTENT),
        "file": str(tmp_path / "animals.tar.gz"),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "url": server.url,
    }


def test_killed_between_the_last_byte_and_its_name_the_file_is_not_fetched_again(server, tmp_path):
    with PartFile(tmp_path / "raw" / "animals.tar.gz", remote(server)) as part:
        part.begin(len(CONTENT), '"one"')
        part.write(CONTENT)
    fetch(server, tmp_path)
    assert server.asked == []


def test_bytes_of_another_file_are_not_gone_on_from(server, tmp_path):
    with PartFile(tmp_path / "raw" / "animals.tar.gz", remote(server, b"another")) as part:
        part.begin(10, '"one"')
        part.write(b"other")
    fetch(server, tmp_path)
    assert server.asked[0][1] is None


def test_what_a_power_cut_left_wrong_is_fetched_once_more(server, tmp_path):
    with PartFile(tmp_path / "raw" / "animals.tar.gz", remote(server)) as part:
        part.begin(len(CONTENT), '"one"')
        part.write(bytes(1000))
    fetch(server, tmp_path)
    assert [asked[1] for asked in server.asked] == ["bytes=1000-", None]


def test_two_downloads_of_one_file_do_not_mix(server, tmp_path):
    with PartFile(tmp_path / "raw" / "animals.tar.gz", remote(server)) as part:
        part.begin(len(CONTENT), '"one"')
        part.write(CONTENT[:1000])
        broken_download(server, tmp_path, "another process is downloading")
        assert part.path.stat().st_size == 1000
    fetch(server, tmp_path)


def test_a_file_that_appears_meanwhile_is_not_overwritten(server, tmp_path):
    target = tmp_path / "raw" / "animals.tar.gz"

    def interfere(handler):
        target.write_bytes(b"the user's own")
        answer(handler)

    server.plan = [interfere]
    with pytest.raises(UserError, match="appeared while it was downloaded"):
        download(remote(server), target, QUICK)
    assert target.read_bytes() == b"the user's own"


def test_a_disk_without_room_is_reported_before_and_during(server, tmp_path):
    room = tmp_path / "full"
    small = on_a_small_file_system(room)
    result = run([*small, *command(server.url, room)])
    assert result.returncode == 2
    assert (
        "KB free, but 300 KB more are needed for animals.tar.gz; make room, then run it again"
        in result.stderr
    )

    server.plan = [lambda handler: answer(handler, total=False)]  # nothing to know it by beforehand
    result = run([*small, *command(server.url, room)])
    assert result.returncode == 2
    assert "animals.tar.gz.part: No space left on device, after " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_limit_on_file_sizes_keeps_what_came(server, tmp_path):
    limited = [
        "sh",
        "-c",
        'ulimit -f 100; trap "" XFSZ; exec "$@"',
        "sh",
        *command(server.url, tmp_path),
    ]
    result = run(limited)
    assert result.returncode == 2
    assert "animals.tar.gz.part: File too large, after " in result.stderr
    kept = (tmp_path / "animals.tar.gz.part").stat().st_size
    assert 51_200 <= kept <= 102_400  # a block of ulimit is 512 bytes or 1024
    assert run(command(server.url, tmp_path)).returncode == 0
    assert (tmp_path / "animals.tar.gz").read_bytes() == CONTENT
    assert server.sent[-1] == len(CONTENT) - kept


def test_the_program_refuses_what_it_cannot_check(server, tmp_path):
    arguments = command(server.url, tmp_path)
    without = arguments[: arguments.index("--sha256")]
    for more, sentence in (
        ([], "there is no checksum; give the one that its page names"),
        (["--md5", "abc"], "'abc' is no md5"),
        (["--md5", "0" * 32, "--file", "../x"], "--file is '../x', a path"),
    ):
        result = run([*without, *more])
        assert result.returncode == 2
        assert sentence in result.stderr
        assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []

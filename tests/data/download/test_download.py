"""Downloads against a real server that breaks off, lies, changes its file, refuses, leads elsewhere and hangs."""

import email.utils
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.download.download import PROGRESS, Patience, download
from fourlenses.data.download.part_file import PartFile
from fourlenses.data.download.registry import Remote
from fourlenses.data.download.urls import check_address
from tests.helpers.flaky_server import FlakyServer, answer, hang, hang_up, lead_to, refuse

ROOT = Path(__file__).parents[3]
CONTENT = os.urandom(300_000)
QUICK = Patience(tries=3, timeout=0.5, wait=0.01, longest_wait=0.02)


@pytest.fixture
def server():
    with FlakyServer(CONTENT) as server:
        yield server


def remote(server, content=CONTENT, algorithm="sha256", **changes) -> Remote:
    return Remote(
        changes.pop("url", server.url),
        algorithm,
        hashlib.new(algorithm, content).hexdigest(),
        **changes,
    )


def fetch(server, folder, content=CONTENT, patience=QUICK, **changes) -> Path:
    target = folder / "raw" / "animals.tar.gz"
    assert download(remote(server, content, **changes), target, patience) is True
    assert target.read_bytes() == content
    assert names(folder) == ["animals.tar.gz"]
    return target


def names(folder) -> list[str]:
    return sorted(file.name for file in (folder / "raw").iterdir())


def broken_download(server, folder, match, content=CONTENT, **changes) -> str:
    """A download that must fail: its message, and nothing that looks finished."""
    with pytest.raises(UserError, match=match) as caught:
        download(remote(server, content, **changes), folder / "raw" / "animals.tar.gz", QUICK)
    assert not (folder / "raw" / "animals.tar.gz").exists()
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_is_fetched_in_one_request(server, tmp_path, algorithm):
    fetch(server, tmp_path, algorithm=algorithm)
    assert server.asked == [("/animals.tar.gz", None, None)]


def test_what_is_there_is_checked_and_never_fetched_or_replaced(server, tmp_path):
    target = fetch(server, tmp_path)
    assert download(remote(server), target, QUICK) is False
    target.write_bytes(b"the user's own")
    with pytest.raises(
        UserError, match=r"is there, with sha256 \w{64}, expected \w{64}: .* left as it is"
    ):
        download(remote(server), target, QUICK)
    assert target.read_bytes() == b"the user's own"
    assert len(server.asked) == 1


def test_a_connection_that_drops_is_taken_up_where_it_broke(server, tmp_path, caplog):
    server.plan = [hang_up(100_000), hang_up(50_000)]
    fetch(server, tmp_path)
    assert server.asked[1:] == [
        ("/animals.tar.gz", "bytes=100000-", '"one"'),
        ("/animals.tar.gz", "bytes=150000-", '"one"'),
    ]
    assert sum(server.sent) == len(CONTENT)
    assert "the connection ended after 100000 of 300000 bytes; on from 100 KB in" in caplog.text


def test_a_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    server.plan = [hang_up(100_000), lambda handler: answer(handler, ranges=False)]
    fetch(server, tmp_path)
    assert server.sent == [100_000, 300_000]


def test_a_server_that_sends_another_range_than_asked_for_is_asked_for_all_of_it(server, tmp_path):
    def elsewhere(handler):
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 7-299999/300000")
        handler.end_headers()
        handler.wfile.write(CONTENT[7:])

    server.plan = [hang_up(100_000), elsewhere]
    fetch(server, tmp_path)
    assert [asked[1] for asked in server.asked] == [None, "bytes=100000-", None]


def test_a_file_that_changes_between_two_tries_comes_anew(server, tmp_path):
    new = os.urandom(200_000)

    def changed(handler):
        server.content, server.etag = new, '"two"'
        answer(handler)

    server.plan = [hang_up(100_000), changed]
    fetch(server, tmp_path, content=new)
    assert server.sent == [100_000, 200_000]


def test_a_file_that_changes_behind_the_same_answers_is_fetched_once_more(server, tmp_path):
    """Same length, no ETag and no date: only the checksum can tell."""
    new = os.urandom(len(CONTENT))
    server.etag = ""

    def changed(handler):
        server.content = new
        answer(handler)

    server.plan = [hang_up(100_000), changed]
    fetch(server, tmp_path, content=new)
    assert server.sent == [100_000, 200_000, 300_000]


def test_a_server_that_promises_more_than_it_has_is_given_up_on_and_the_rest_kept(server, tmp_path):
    server.plan = [lambda handler: answer(handler, length=10, ranges=False)] * 9
    said = broken_download(
        server,
        tmp_path,
        "gave up after 3 tries in a row: the connection ended after 300000 of 300010 bytes",
    )
    assert server.url in said
    assert names(tmp_path) == ["animals.tar.gz.part", "animals.tar.gz.part.json"]


def test_a_server_that_then_says_there_is_no_more_is_believed_if_the_checksum_agrees(
    server, tmp_path
):
    server.plan = [lambda handler: answer(handler, length=10)]
    fetch(server, tmp_path)
    assert server.asked[1][1] == "bytes=300000-"
    assert sum(server.sent) == len(CONTENT)


def test_a_server_that_promises_less_than_there_is_leaves_nothing(server, tmp_path):
    server.plan = [lambda handler: answer(handler, length=-10)]
    found = hashlib.sha256(CONTENT[:-10]).hexdigest()
    said = broken_download(server, tmp_path, "received 299.99 KB with sha256")
    assert found in said
    assert hashlib.sha256(CONTENT).hexdigest() in said
    assert names(tmp_path) == []


def test_a_wrong_file_leaves_nothing_and_both_sums_are_told(server, tmp_path):
    said = broken_download(
        server,
        tmp_path,
        "damaged on the way, or not the published file; nothing was kept",
        content=b"what was published",
    )
    assert hashlib.sha256(CONTENT).hexdigest() in said
    assert hashlib.sha256(b"what was published").hexdigest() in said
    assert names(tmp_path) == []
    assert len(server.asked) == 1  # the same answer would only come again


def test_a_file_of_another_length_than_the_published_one_is_not_fetched(server, tmp_path):
    broken_download(
        server,
        tmp_path,
        "the server offers 300000 bytes, the published file has 300001",
        bytes=300_001,
    )
    assert names(tmp_path) == []


def test_a_length_that_is_not_told_is_no_obstacle(server, tmp_path):
    server.plan = [lambda handler: answer(handler, total=False)]
    fetch(server, tmp_path)


def test_a_busy_server_is_left_in_peace_for_as_long_as_it_asks(server, tmp_path):
    server.plan = [refuse(503, {"Retry-After": "1"})]
    began = time.monotonic()
    fetch(server, tmp_path)
    assert time.monotonic() - began >= 1

    later = email.utils.formatdate(time.time() + 3600, usegmt=True)
    server.plan = [refuse(429, {"Retry-After": later})]
    said = broken_download(
        server,
        tmp_path / "other",
        "the server answered 429 Too Many Requests, and asks to wait 3[56]",
    )
    assert "0 bytes of an unknown number of bytes were received" in said


def test_a_server_that_stays_busy_is_given_up_on(server, tmp_path):
    server.plan = [hang_up(100_000), *[refuse(503)] * 9]
    said = broken_download(
        server, tmp_path, f"^{server.url}: gave up after 3 tries in a row: the server answered 503"
    )
    assert f"100 KB of 300 KB are kept in {tmp_path}/raw/animals.tar.gz.part" in said
    assert "run it again later: it goes on from there" in said
    server.plan = []
    fetch(server, tmp_path)
    assert server.asked[-1][1:] == ("bytes=100000-", '"one"')


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_not_asked_about_again(server, tmp_path, status):
    server.plan = [refuse(status)]
    broken_download(
        server, tmp_path, f"{server.url}: the server answered {status} .*; check the address"
    )
    assert len(server.asked) == 1
    assert names(tmp_path) == []


def test_only_getting_further_than_ever_renews_patience(tmp_path):
    content = bytes(PROGRESS + 100_000)
    with FlakyServer(content) as server:
        server.piece = 1 << 20
        # four failures in a row, of which the third got on
        server.plan = [refuse(503), refuse(503), hang_up(PROGRESS + 1), refuse(503)]
        fetch(server, tmp_path, content=content)
        # a server without ranges that always breaks off at the same place brings bytes, and gets nobody further
        server.plan = [hang_up(PROGRESS + 1, ranges=False)] * 20
        before = len(server.asked)
        broken_download(server, tmp_path / "other", "gave up after 3 tries", content=content)
        assert len(server.asked) - before == 3


def test_a_hanging_server_is_hung_up_on(server, tmp_path):
    server.plan = [hang]
    fetch(server, tmp_path)
    assert server.asked[1][1] == "bytes=100-"
    deadline = time.monotonic() + 20
    while not server.given_up_on and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.given_up_on


def test_nobody_there(server, tmp_path):
    with FlakyServer(b"") as gone:
        pass
    broken_download(server, tmp_path, "gave up after 3 tries in a row: no connection", url=gone.url)


def test_redirects_are_followed_and_resumed(server, tmp_path):
    there = server.url.replace("animals", "elsewhere")
    server.plan = [lead_to(there), hang_up(100_000), lead_to(there)]
    fetch(server, tmp_path)
    assert [asked[:2] for asked in server.asked[2:]] == [
        ("/animals.tar.gz", "bytes=100000-"),
        ("/elsewhere.tar.gz", "bytes=100000-"),
    ]


@pytest.mark.parametrize(
    "elsewhere", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://example.org/a", "data:,a"]
)
def test_redirects_to_other_kinds_of_address_are_refused(server, tmp_path, elsewhere):
    server.plan = [lead_to(elsewhere)]
    with pytest.raises(UserError) as caught:
        download(remote(server), tmp_path / "a", QUICK)
    assert f"'{elsewhere}'" in str(caught.value)
    # some of them urllib itself will not go to
    assert "is not allowed" in str(caught.value) or f"to which {server.url} leads" in str(
        caught.value
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "/etc/passwd",
        "",
        "https://",
        "https://[/a",
        "https://a.org/a b",
        "https://a.org/\nb",
    ],
)
def test_other_kinds_of_address_are_refused(url):
    with pytest.raises(UserError, match="nothing is downloaded from"):
        check_address(url, url)


def test_https_never_leads_to_this_machine():
    with pytest.raises(UserError, match=r"to which https://example\.org/ leads"):
        check_address("http://127.0.0.1/a", "https://example.org/")
    check_address("https://example.com/a", "https://example.org/")


def test_a_certificate_nobody_vouches_for_is_refused(server, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run(
        [*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    https = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    https.socket = context.wrap_socket(https.socket, server_side=True)
    https.handle_error = lambda *_: None
    thread = threading.Thread(target=https.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        url = f"https://127.0.0.1:{https.server_address[1]}/"
        broken_download(
            server, tmp_path, "the server's certificate cannot be trusted .*self-signed", url=url
        )
    finally:
        https.shutdown()
        https.server_close()
        thread.join()


# --- processes that end, and disks that are full
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


def test_a_disk_without_room_is_told_before_and_during(server, tmp_path):
    room = tmp_path / "full"
    room.mkdir()
    # a file system of its own, which goes with the process
    apart = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=200k tiny "$0" && exec "$@"',
        str(room),
    ]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*apart, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip(
            "no file system can be mounted here (needs Linux with user namespaces, or root)"
        )
    result = run([*apart, *command(server.url, room)])
    assert result.returncode == 2
    assert (
        "KB free, but 300 KB more are needed for animals.tar.gz; make room, then run it again"
        in result.stderr
    )

    server.plan = [lambda handler: answer(handler, total=False)]  # nothing to know it by beforehand
    result = run([*apart, *command(server.url, room)])
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

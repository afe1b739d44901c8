"""Downloads from a real server that breaks off, lies, changes its file, refuses and hangs."""

import email.utils
import hashlib
import os
import time

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.download.download import PROGRESS, download
from tests.helpers.downloads import CONTENT, QUICK, broken_download, fetch, names, remote
from tests.helpers.flaky_server import FlakyServer, answer, hang, hang_up, refuse


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
    assert (
        "the connection ended after 100000 of 300000 bytes; continuing from 100 KB in"
        in caplog.text
    )


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


def test_a_file_that_changes_between_two_tries_is_fetched_again(server, tmp_path):
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
    message = broken_download(
        server,
        tmp_path,
        "gave up after 3 tries in a row: the connection ended after 300000 of 300010 bytes",
    )
    assert server.url in message
    assert names(tmp_path) == ["animals.tar.gz.part", "animals.tar.gz.part.json"]


def test_a_server_that_then_has_no_more_is_trusted_if_the_checksum_agrees(server, tmp_path):
    server.plan = [lambda handler: answer(handler, length=10)]
    fetch(server, tmp_path)
    assert server.asked[1][1] == "bytes=300000-"
    assert sum(server.sent) == len(CONTENT)


def test_a_server_that_promises_less_than_there_is_leaves_nothing(server, tmp_path):
    server.plan = [lambda handler: answer(handler, length=-10)]
    partial = hashlib.sha256(CONTENT[:-10]).hexdigest()
    message = broken_download(server, tmp_path, "received 299.99 KB with sha256")
    assert partial in message
    assert hashlib.sha256(CONTENT).hexdigest() in message
    assert names(tmp_path) == []


def test_a_wrong_file_leaves_nothing_and_both_sums_are_reported(server, tmp_path):
    message = broken_download(
        server,
        tmp_path,
        "damaged on the way, or not the published file; nothing was kept",
        content=b"what was published",
    )
    assert hashlib.sha256(CONTENT).hexdigest() in message
    assert hashlib.sha256(b"what was published").hexdigest() in message
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


def test_an_unknown_length_is_no_obstacle(server, tmp_path):
    server.plan = [lambda handler: answer(handler, total=False)]
    fetch(server, tmp_path)


def test_a_busy_server_is_left_in_peace_for_as_long_as_it_asks(server, tmp_path):
    server.plan = [refuse(503, {"Retry-After": "1"})]
    began = time.monotonic()
    fetch(server, tmp_path)
    assert time.monotonic() - began >= 1

    later = email.utils.formatdate(time.time() + 3600, usegmt=True)
    server.plan = [refuse(429, {"Retry-After": later})]
    message = broken_download(
        server,
        tmp_path / "other",
        "the server answered 429 Too Many Requests, and asks to wait 3[56]",
    )
    assert "0 bytes of an unknown number of bytes were received" in message


def test_a_server_that_stays_busy_is_given_up_on(server, tmp_path):
    server.plan = [hang_up(100_000), *[refuse(503)] * 9]
    message = broken_download(
        server, tmp_path, f"^{server.url}: gave up after 3 tries in a row: the server answered 503"
    )
    assert f"100 KB of 300 KB are kept in {tmp_path}/raw/animals.tar.gz.part" in message
    assert "run it again later: it continues from there" in message
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


def test_only_getting_further_than_ever_starts_the_count_again(tmp_path):
    content = bytes(PROGRESS + 100_000)
    with FlakyServer(content) as server:
        server.piece = 1 << 20
        # four failures in a row, of which the third got on
        server.plan = [refuse(503), refuse(503), hang_up(PROGRESS + 1), refuse(503)]
        fetch(server, tmp_path, content=content)
        # a server without ranges that always breaks off at the same place brings bytes, and gets
        # nobody further
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

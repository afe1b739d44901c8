"""Addresses and redirects that a download follows, and those that it refuses."""

import shutil
import ssl
import subprocess
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.download.download import download
from fourlenses.data.download.urls import check_address
from tests.helpers.downloads import QUICK, broken_download, fetch, remote
from tests.helpers.flaky_server import hang_up, lead_to


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

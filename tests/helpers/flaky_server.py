"""A web server on loopback that fails in the ways servers do, and counts what it sent."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FlakyServer:
    """A server of ``content`` at any path, with ranges.

    Attributes:
        plan: a function of the handler for each request to come; after these all is well.
    """

    def __init__(self, content: bytes, etag: str = '"one"') -> None:
        self.content, self.etag = content, etag
        self.plan: list[Callable] = []
        self.asked: list[tuple[str, str | None, str | None]] = []  # path, Range, If-Range
        self.sent: list[int] = []  # bytes of content, per request
        self.piece, self.pause = 1 << 16, 0.0  # bytes sent at a time, and seconds between
        self.at_once = self.most_at_once = 0
        self.given_up_on = False  # whether a client asked again while it was kept waiting
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.number = len(server.asked)
                server.asked.append((self.path, self.headers["Range"], self.headers["If-Range"]))
                server.sent.append(0)
                self.close_connection = True
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
                (server.plan.pop(0) if server.plan else answer)(self)
                server.at_once -= 1

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.flaky = server
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/animals.tar.gz"
        self.thread = threading.Thread(
            target=self.http.serve_forever, kwargs={"poll_interval": 0.02}
        )

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def answer(
    handler, stop: int | None = None, length: int = 0, ranges: bool = True, total: bool = True
) -> None:
    """Answer as a good server does.

    Args:
        stop: bytes after which to hang up.
        length: how much more or less than the truth Content-Length says.
    """
    server = handler.server.flaky
    content, start = server.content, 0
    asked, version = handler.headers["Range"], handler.headers["If-Range"]
    if asked and ranges and version in (None, server.etag):
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            return refuse(416, {"Content-Range": f"bytes */{len(content)}"})(handler)
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    else:
        handler.send_response(200)
    if total:
        handler.send_header("Content-Length", str(len(content) - start + length))
    if server.etag:
        handler.send_header("ETag", server.etag)
    handler.end_headers()
    send(handler, content[start:][:stop])


def send(handler, data: bytes) -> None:
    server = handler.server.flaky
    for first in range(0, len(data), server.piece):
        piece = data[first : first + server.piece]
        try:
            handler.wfile.write(piece)
        except OSError:
            return
        server.sent[handler.number] += len(piece)
        time.sleep(server.pause)


def hang_up(after: int, **kwargs) -> Callable:
    return lambda handler: answer(handler, stop=after, **kwargs)


def refuse(status: int, headers: dict[str, str] | None = None) -> Callable:
    def respond(handler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return respond


def lead_to(url: str) -> Callable:
    return refuse(302, {"Location": url})


def hang(handler) -> None:
    """Begin an answer, and send nothing more until the client asks again or 20 s have passed."""
    server = handler.server.flaky
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(server.content)))
    handler.send_header("ETag", server.etag)
    handler.end_headers()
    send(handler, server.content[:100])
    deadline = time.monotonic() + 20
    while len(server.asked) == handler.number + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.given_up_on = len(server.asked) > handler.number + 1

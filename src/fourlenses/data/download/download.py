"""Fetch a file: resumed where a transfer broke off, kept only with the right checksum, asked for politely, given up on with a sentence.

Requests follow RFC 9110: `Range` with `If-Range`, so that a file that changed meanwhile comes anew and is never glued to the old one.
"""

import email.utils
import http.client
import logging
import random
import shutil
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.units import format_bytes
from fourlenses.data.download.part_file import PartFile, digest_of
from fourlenses.data.download.registry import Remote
from fourlenses.data.download.urls import OPENER, check_address

log = logging.getLogger(__name__)
BLOCK = 1 << 18  # bytes read at a time at most
PROGRESS = (
    16 << 20
)  # bytes after which a try counts as one that got on: the next failure is the first again
LONGEST_RETRY_AFTER = 600  # s; a server that asks for more is left alone
PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may better


@dataclass(frozen=True)
class Patience:
    """tries: in a row that get no further. timeout: s without a byte. wait: s before the second try, then doubled up to longest_wait."""

    tries: int = 8
    timeout: float = 60.0
    wait: float = 1.0
    longest_wait: float = 60.0


class _Broken(Exception):
    """A try that failed in a way that the next may not. wait: s that the server asks for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def download(remote: Remote, target: Path, patience: Patience | None = None) -> bool:
    """Have ``target`` be the file that ``remote`` describes; whether it had to be fetched. What is there is checked, never replaced.

    Raises:
        UserError: refused, given up, no room, or not the file that was expected; says what was received and what to do.
    """
    patience = patience or Patience()
    check_address(remote.url, remote.url)
    if target.exists():
        _check_present(remote, target)
        return False
    with PartFile(target, remote) as part:
        if target.exists():  # another process has finished it since
            return False
        _fetch(remote, part, patience)
        if part.digest.hexdigest() != remote.digest and part.mixed:
            # the server may have changed the file between two answers without saying so, or a power cut may have eaten the end
            log.warning(
                "%s: the pieces do not make up the published file; starting over", remote.url
            )
            part.restart()
            _fetch(remote, part, patience)
        found, size = part.digest.hexdigest(), part.size
        if found != remote.digest:
            part.restart()
            raise UserError(
                f"{remote.url}: received {format_bytes(size)} with {remote.algorithm} {found}, expected {remote.digest}: damaged on the way, or "
                "not the published file; nothing was kept. Run it again; if that does not help, compare the address and the checksum "
                "with those on the page they are from"
            )
        part.finish()
    return True


def _check_present(remote: Remote, target: Path) -> None:
    if not target.is_file():
        raise UserError(f"{target} is there, but is no file; take it away, or give another place")
    found = digest_of(target, remote.algorithm)
    if found != remote.digest:
        raise UserError(
            f"{target} is there, with {remote.algorithm} {found}, expected {remote.digest}: it is damaged or another file. It was left "
            f"as it is; take it away to have {remote.url} downloaded"
        )


def _fetch(remote: Remote, part: PartFile, patience: Patience) -> None:
    """Ask until the file is whole or patience is at an end."""
    failures, furthest = 0, part.size
    while not part.whole:
        try:
            _ask(remote, part, patience.timeout)
        except _Broken as broken:
            # further than ever, not only further than before this try: a server that always begins anew would else be asked for ever
            failures = 1 if part.size - furthest >= PROGRESS else failures + 1
            furthest = max(furthest, part.size)
            if failures >= patience.tries or broken.wait > LONGEST_RETRY_AFTER:
                asked = (
                    f", and asks to wait {broken.wait:.0f} s"
                    if broken.wait > LONGEST_RETRY_AFTER
                    else ""
                )
                kept = f"are kept in {part.path}" if part.size else "were received"
                raise UserError(
                    f"{remote.url}: gave up after {failures} tries in a row: {broken}{asked}; {format_bytes(part.size)} of "
                    f"{format_bytes(part.total)} {kept}. Check the address and the connection, and run it again later: it goes on from there"
                ) from broken
            seconds = max(broken.wait, _pause(failures, patience))
            log.warning(
                "%s: %s; on from %s in %.1f s (try %d of %d)",
                remote.url,
                broken,
                format_bytes(part.size),
                seconds,
                failures + 1,
                patience.tries,
            )
            time.sleep(seconds)


def _pause(failures: int, patience: Patience) -> float:
    """Between half and all of a wait that doubles. Drawn without a seed: machines that failed together must not come back together."""
    wait = min(patience.wait * 2 ** (failures - 1), patience.longest_wait)
    return random.SystemRandom().uniform(wait / 2, wait)


def _ask(remote: Remote, part: PartFile, timeout: float) -> None:
    """One request, and all that comes of it."""
    headers = {"User-Agent": "fourlenses", "Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.validator:
            headers["If-Range"] = part.validator
    try:
        answer = OPENER.open(urllib.request.Request(remote.url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            _refused(remote, part, error)
        return
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise UserError(
                f"{remote.url}: the server's certificate cannot be trusted ({error.reason.verify_message}); nothing was fetched"
            ) from error
        raise _Broken(f"no connection ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_said(error)) from error
    with answer:
        _join(remote, part, answer)
        _receive(part, answer)


def _refused(remote: Remote, part: PartFile, error: urllib.error.HTTPError) -> None:
    if error.code == 416 and part.size:
        if _extent(error)[1] == part.size:  # all of it was there, only its length was not known
            part.total, part.whole = part.size, True
            return
        part.restart()
        raise _Broken("the server has less than what was received before")
    said = " ".join(f"the server answered {error.code} {error.reason}".split())
    if error.code not in PASSING:
        raise UserError(
            f"{remote.url}: {said}; check the address, or whether its page names a new one"
        )
    raise _Broken(said, _retry_after(error))


def _join(remote: Remote, part: PartFile, answer: http.client.HTTPResponse) -> None:
    """Decide whether the answer goes on from what is there, or is the whole file anew."""
    start, total = _extent(answer)
    validator = _validator(answer)
    if part.size:
        same = (
            answer.status == 206
            and start == part.size
            and total == part.total
            and validator in (None, part.validator)
        )
        if same:
            part.mixed = True
        else:
            log.info(
                "%s: begins anew (the server cannot go on from %s, or the file has changed)",
                remote.url,
                format_bytes(part.size),
            )
            part.restart()
    if part.size == 0:
        if start:
            raise _Broken(f"the server sent the file from byte {start} on, without being asked to")
        if remote.bytes is not None and total is not None and total != remote.bytes:
            raise UserError(
                f"{remote.url}: the server offers {total} bytes, the published file has {remote.bytes}; nothing was fetched. "
                "Check whether its page names a new address"
            )
        part.begin(total, validator)
    free = shutil.disk_usage(part.path.parent).free
    if total is not None and free < total - part.size:
        raise UserError(
            f"{part.path.parent} has {format_bytes(free)} free, but {format_bytes(total - part.size)} more are needed for {part.target.name}; "
            "make room, then run it again"
        )


def _receive(part: PartFile, answer: http.client.HTTPResponse) -> None:
    while True:
        try:
            data = answer.read1(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(_said(error)) from error
        if not data:
            break
        part.write(data)
    if part.total is not None and part.size != part.total:
        raise _Broken(f"the connection ended after {part.size} of {part.total} bytes")
    part.whole = True


def _extent(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> tuple[int, int | None]:
    """Where the bytes of an answer begin, and how long the file is (None: not said)."""
    kind, _, value = answer.headers.get("Content-Range", "").partition(" ")
    span, _, total = value.partition("/")
    start = span.partition("-")[0]
    if kind == "bytes":
        return int(start) if start.isdecimal() else 0, int(total) if total.isdecimal() else None
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _validator(answer: http.client.HTTPResponse) -> str | None:
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified")


def _retry_after(error: urllib.error.HTTPError) -> float:
    """Seconds that the server asks to wait, given as such or as a date; 0 where it says nothing."""
    value = (error.headers.get("Retry-After") or "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _said(error: Exception) -> str:
    return (
        "no byte came in time"
        if isinstance(error, TimeoutError)
        else f"the connection broke ({error or type(error).__name__})"
    )

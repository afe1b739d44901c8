"""Download a file: resumed where a transfer broke off, kept only with the right checksum.

Requests follow RFC 9110: `Range` with `If-Range`, so that a file that changed meanwhile is sent
again, and never glued to the old one. tenacity decides when to try again.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tenacity

from fourlenses.core.errors import UserError
from fourlenses.core.units import format_bytes
from fourlenses.data.download.part_file import PartFile, digest_of
from fourlenses.data.download.registry import Remote
from fourlenses.data.download.urls import OPENER, check_address

log = logging.getLogger(__name__)
BLOCK = 1 << 18  # bytes read at a time at most
# Bytes after which a try counts as one that made progress: the next failure is the first again.
PROGRESS = 16 << 20
LONGEST_RETRY_AFTER = 600  # s; a server that asks for more is left alone
PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may better


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When to try again, and when to give up.

    Attributes:
        tries: In a row without progress.
        timeout: Seconds without a byte.
        wait: Seconds before the second try; doubled each time up to ``longest_wait``.
        longest_wait: Seconds.
    """

    tries: int = 8
    timeout: float = 60.0
    wait: float = 1.0
    longest_wait: float = 60.0


class _BrokenTransfer(Exception):
    """A try that failed in a way that the next may not. wait: s that the server asks for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def download(remote: Remote, target: Path, policy: RetryPolicy | None = None) -> bool:
    """Make ``target`` the file that ``remote`` describes. A file that is there is only checked.

    Returns:
        Whether it was downloaded.

    Raises:
        UserError: Refused, given up, no room, or another file than expected; the message says what
            was received and what to do.
    """
    policy = policy or RetryPolicy()
    check_address(remote.url, remote.url)
    if target.exists():
        _check_present(remote, target)
        return False
    with PartFile(target, remote) as part:
        if target.exists():  # another process has finished it since
            return False
        _fetch(remote, part, policy)
        if part.digest.hexdigest() != remote.digest and part.mixed:
            # the server may have changed the file between two answers without a sign of it, or a
            # power cut may have eaten the end
            log.warning(
                "%s: the pieces do not make up the published file; starting over", remote.url
            )
            part.restart()
            _fetch(remote, part, policy)
        digest, size = part.digest.hexdigest(), part.size
        if digest != remote.digest:
            part.restart()
            raise UserError(
                f"{remote.url}: received {format_bytes(size)} with {remote.algorithm} {digest}, "
                f"expected {remote.digest}: damaged on the way, or not the published file; nothing "
                "was kept. Run it again; if that does not help, compare the address and the "
                "checksum with those on the page they are from"
            )
        part.finish()
    return True


def _check_present(remote: Remote, target: Path) -> None:
    if not target.is_file():
        raise UserError(f"{target} is there, but is no file; take it away, or give another path")
    digest = digest_of(target, remote.algorithm)
    if digest != remote.digest:
        raise UserError(
            f"{target} is there, with {remote.algorithm} {digest}, expected {remote.digest}: it is "
            "damaged or another file. It was left as it is; take it away to have "
            f"{remote.url} downloaded"
        )


def _fetch(remote: Remote, part: PartFile, policy: RetryPolicy) -> None:
    """Ask until the file is whole.

    Raises:
        UserError: As many tries in a row as the policy allows have failed.
    """
    if part.whole:
        return
    furthest = part.size

    def count(state: tenacity.RetryCallState) -> None:
        # Compared with the furthest ever, not with the start of this try: a server that always
        # begins at the first byte would else be asked for ever.
        nonlocal furthest
        if part.size - furthest >= PROGRESS:
            state.attempt_number = 1
        furthest = max(furthest, part.size)

    def announce(state: tenacity.RetryCallState) -> None:
        log.warning(
            "%s: %s; continuing from %s in %.1f s (try %d of %d)",
            remote.url,
            _reason(state),
            format_bytes(part.size),
            state.upcoming_sleep,
            state.attempt_number + 1,
            policy.tries,
        )

    def give_up(state: tenacity.RetryCallState) -> None:
        broken = _reason(state)
        longer = broken.wait > LONGEST_RETRY_AFTER
        asked = f", and asks to wait {broken.wait:.0f} s" if longer else ""
        kept = f"are kept in {part.path}" if part.size else "were received"
        raise UserError(
            f"{remote.url}: gave up after {state.attempt_number} tries in a row: {broken}{asked}; "
            f"{format_bytes(part.size)} of {format_bytes(part.total)} {kept}. Check the address "
            "and the connection, and run it again later: it continues from there"
        ) from broken

    tries_are_over = tenacity.stop_after_attempt(policy.tries)
    tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_BrokenTransfer),
        after=count,
        stop=lambda state: tries_are_over(state) or _reason(state).wait > LONGEST_RETRY_AFTER,
        wait=_waiting(policy),
        before_sleep=announce,
        retry_error_callback=give_up,
    )(_ask, remote, part, policy.timeout)


def _reason(state: tenacity.RetryCallState) -> _BrokenTransfer:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, _BrokenTransfer)
    return error


def _waiting(policy: RetryPolicy) -> Callable[[tenacity.RetryCallState], float]:
    """Return a wait between half and all of one that doubles, or what the server asks for.

    Drawn without a seed: machines that failed together must not come back together.
    """
    doubling = tenacity.wait_exponential(multiplier=policy.wait, max=policy.longest_wait)

    def seconds(state: tenacity.RetryCallState) -> float:
        longest = doubling(state)
        return max(_reason(state).wait, random.SystemRandom().uniform(longest / 2, longest))

    return seconds


def _ask(remote: Remote, part: PartFile, timeout: float) -> None:
    """Send one request and receive its answer.

    Raises:
        _BrokenTransfer: Another try may help.
        UserError: None would.
    """
    headers = {"User-Agent": "fourlenses", "Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.validator:
            headers["If-Range"] = part.validator
    request = urllib.request.Request(remote.url, headers=headers)
    try:
        answer = OPENER.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            _refused(remote, part, error)
        return
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise UserError(
                f"{remote.url}: the server's certificate cannot be trusted "
                f"({error.reason.verify_message}); nothing was fetched"
            ) from error
        raise _BrokenTransfer(f"no connection ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenTransfer(_describe(error)) from error
    with answer:
        _join(remote, part, answer)
        _receive(part, answer)


def _refused(remote: Remote, part: PartFile, error: urllib.error.HTTPError) -> None:
    if error.code == 416 and part.size:
        if _extent(error)[1] == part.size:  # all of it was there, only its length was not known
            part.total, part.whole = part.size, True
            return
        part.restart()
        raise _BrokenTransfer("the server has less than what was received before")
    answered = " ".join(f"the server answered {error.code} {error.reason}".split())
    if error.code not in PASSING:
        raise UserError(
            f"{remote.url}: {answered}; check the address, or whether its page names a new one"
        )
    raise _BrokenTransfer(answered, _retry_after(error))


def _join(remote: Remote, part: PartFile, answer: http.client.HTTPResponse) -> None:
    """Decide whether the answer continues the bytes that are there, or is the whole file again.

    Raises:
        UserError: The server offers another length than the published one, or there is no room.
    """
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
                "%s: starts again (the server cannot continue from %s, or the file has changed)",
                remote.url,
                format_bytes(part.size),
            )
            part.restart()
    if part.size == 0:
        if start:
            raise _BrokenTransfer(
                f"the server sent the file from byte {start} on, without being asked to"
            )
        if remote.bytes is not None and total is not None and total != remote.bytes:
            raise UserError(
                f"{remote.url}: the server offers {total} bytes, the published file has "
                f"{remote.bytes}; nothing was fetched. Check whether its page names a new address"
            )
        part.begin(total, validator)
    free = shutil.disk_usage(part.path.parent).free
    if total is not None and free < total - part.size:
        raise UserError(
            f"{part.path.parent} has {format_bytes(free)} free, but "
            f"{format_bytes(total - part.size)} more are needed for {part.target.name}; "
            "make room, then run it again"
        )


def _receive(part: PartFile, answer: http.client.HTTPResponse) -> None:
    while True:
        try:
            data = answer.read1(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenTransfer(_describe(error)) from error
        if not data:
            break
        part.write(data)
    if part.total is not None and part.size != part.total:
        raise _BrokenTransfer(f"the connection ended after {part.size} of {part.total} bytes")
    part.whole = True


def _extent(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> tuple[int, int | None]:
    """Return the first byte's position, and the file's length (None: not announced)."""
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
    """Return the seconds that the server asks to wait (a number or a date); 0 if it does not."""
    value = (error.headers.get("Retry-After") or "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _describe(error: Exception) -> str:
    return (
        "no byte came in time"
        if isinstance(error, TimeoutError)
        else f"the connection broke ({error or type(error).__name__})"
    )

"""Addresses that files may be downloaded from, and an opener that holds redirects to the same rule.

Certificates are verified.
"""

import ipaddress
import urllib.request
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from fourlenses.core.errors import UserError


def check_address(url: str, origin: str) -> None:
    """Accept https, which nobody on the way can read or change; and http from and to this machine.

    Args:
        url: The address.
        origin: The address that led to it; itself at first.

    Raises:
        UserError: Anything else, or an ``origin`` elsewhere that leads to this machine.
    """
    scheme, host = _scheme_and_host(url)
    if host and scheme == "https" and url.isascii() and url.isprintable() and " " not in url:
        return
    from_here = _is_this_machine(_scheme_and_host(origin)[1])
    if scheme == "http" and _is_this_machine(host) and from_here:
        return
    led = "" if url == origin else f", to which {origin} leads"
    raise UserError(
        f"nothing is downloaded from {url!r}{led}: an address has to begin with https:// and a "
        "host, and be plain ASCII"
    )


def _scheme_and_host(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        check_address(newurl, req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # typeshed asks for HTTPMessage


OPENER = urllib.request.build_opener(_Redirects)

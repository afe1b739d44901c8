"""Which addresses anything is downloaded from, and an opener that keeps to it when a server leads elsewhere, and verifies certificates."""

import ipaddress
import urllib.request
from urllib.parse import urlsplit

from fourlenses.core.errors import UserError


def check_address(url: str, origin: str) -> None:
    """Only https, so that nobody on the way can read or change anything; plain http from this machine to itself alone.

    Raises:
        UserError: anything else, or an ``origin`` elsewhere that leads to this machine.
    """
    scheme, host = _scheme_and_host(url)
    if host and scheme == "https" and url.isascii() and url.isprintable() and " " not in url:
        return
    if (
        scheme == "http"
        and _is_this_machine(host)
        and _is_this_machine(_scheme_and_host(origin)[1])
    ):
        return
    led = "" if url == origin else f", to which {origin} leads"
    raise UserError(
        f"nothing is downloaded from {url!r}{led}: an address has to begin with https:// and a host, and be plain ASCII"
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
    def redirect_request(self, request, answer, code, message, headers, url):
        check_address(url, request.full_url)
        return super().redirect_request(request, answer, code, message, headers, url)


OPENER = urllib.request.build_opener(_Redirects)

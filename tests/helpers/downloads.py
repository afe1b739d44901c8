"""Downloads of a file from a `FlakyServer`."""

import hashlib
import os
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.download.download import RetryPolicy, download
from fourlenses.data.download.registry import Remote

CONTENT = os.urandom(300_000)
QUICK = RetryPolicy(tries=3, timeout=0.5, wait=0.01, longest_wait=0.02)


def remote(server, content=CONTENT, algorithm="sha256", **changes) -> Remote:
    return Remote(
        changes.pop("url", server.url),
        algorithm,
        hashlib.new(algorithm, content).hexdigest(),
        **changes,
    )


def fetch(server, folder, *, content=CONTENT, policy=QUICK, **changes) -> Path:
    target = folder / "raw" / "animals.tar.gz"
    assert download(remote(server, content, **changes), target, policy) is True
    assert target.read_bytes() == content
    assert names(folder) == ["animals.tar.gz"]
    return target


def names(folder) -> list[str]:
    return sorted(file.name for file in (folder / "raw").iterdir())


def broken_download(server, folder, match, *, content=CONTENT, **changes) -> str:
    """Return the message of a download that must fail, and leave nothing that looks finished."""
    with pytest.raises(UserError, match=match) as caught:
        download(remote(server, content, **changes), folder / "raw" / "animals.tar.gz", QUICK)
    assert not (folder / "raw" / "animals.tar.gz").exists()
    return str(caught.value)

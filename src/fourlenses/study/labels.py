"""Names that a user gives: a label for a dataset, level, method entry, protocol or corruption.

They come from `datasets.<name>.label`, `datasets.<name>.level_labels` and `figures.labels` of the
config, as one mapping: `birds`, `birds/order`, `simclr_long`, `linear`. Nothing is looked up by a
label, so that files and tables do not depend on it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_CURRENT: ContextVar[Mapping[str, str]] = ContextVar("labels", default={})  # noqa: B039 - never written to


def of(name: str, default: str) -> str:
    """Return the label of a name, or the default where the user gave none."""
    return _CURRENT.get().get(name, default)


@contextmanager
def using(labels: Mapping[str, str]) -> Iterator[None]:
    """Show names by these labels."""
    token = _CURRENT.set(labels)
    try:
        yield
    finally:
        _CURRENT.reset(token)

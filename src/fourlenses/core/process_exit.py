"""The end of a program, without the destructors of the libraries that it loaded.

Seen once in some 1,000 jobs on a busy machine: a program had finished, and a library's thread that
still waited aborted the process at its exit ("terminate called without an active exception", code
134), upon which Snakemake removed the outputs. See https://github.com/apache/arrow/issues/34314.
"""

import atexit
import contextlib
import functools
import logging
import os
import sys
from collections.abc import Callable

LOST_OUTPUT = 120  # Python's own exit code where standard output cannot be written at the end


class _Exit:
    """The process's exit code, as far as it is known."""

    code = 0

    def leave(self) -> None:
        """End the process; its threads have ended, and what was registered later is done."""
        logging.shutdown()
        try:
            sys.stdout.flush()
        except (OSError, ValueError, AttributeError):
            self.code = self.code or LOST_OUTPUT
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        os._exit(self.code)


def without_destructors(run: Callable[..., None]) -> Callable[..., None]:
    """Decorate the function that runs a program's `main`: the process ends with `os._exit`.

    Only where `main` is of the program itself: a test that calls it lives on.
    """

    @functools.wraps(run)
    def wrapped(main: Callable[[], None]) -> None:
        process = _Exit()
        if main.__module__ == "__main__":
            # first of all, so that it comes last of what Python does at the end
            atexit.register(process.leave)
        try:
            run(main)
        except SystemExit as end:
            process.code = end.code if isinstance(end.code, int) else int(end.code is not None)
            raise
        except BaseException:
            process.code = 1
            raise

    return wrapped

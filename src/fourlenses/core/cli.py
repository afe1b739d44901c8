"""The frame of every program in workflow_scripts/: exit codes, and sentences for users' mistakes.

A defect of the program keeps its traceback.
"""

import gc
import os
import select
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from fourlenses import __version__
from fourlenses.core.errors import Interrupted, UserError, printable
from fourlenses.core.files import NO_ROOM
from fourlenses.core.log_stream import last_words, use_log_stream
from fourlenses.core.orphan import end_with_head
from fourlenses.core.patience import PASSING
from fourlenses.core.process_exit import without_destructors

# Importing torch makes hundreds of thousands of objects that all stay. Python's collector visits
# them again and again meanwhile, and once more at the end of the process: 0.5 of the 1.7
# core-seconds that such a program takes before and after its work.
OBJECTS_BETWEEN_COLLECTIONS = 50_000  # Python's default: 700


@without_destructors
def run(main: Callable[[], None]) -> None:
    """Call ``main`` and end the process with the exit code that a shell expects.

    0: done. 2: a user's mistake. 75: stopped, run it again. 130: interrupted. Every program answers
    to ``--version``.
    """
    if sys.argv[1:] == ["--version"]:
        print(f"fourlenses {__version__}")
        return
    use_log_stream()
    # A notebook's or a portal's backend, which its children inherit, would make the import of
    # matplotlib fail; no program here opens a window.
    os.environ["MPLBACKEND"] = "agg"
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    end_with_head()
    try:
        main()
    except UserError as error:
        last_words(f"fourlenses: {error}")
        sys.exit(2)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _reader_left():  # `make status | head`
            sys.exit(128 + signal.SIGPIPE)
        # What the system refused. Libraries raise OSErrors without a number or a file, and those
        # stay tracebacks.
        if error.errno is None or error.filename is None:
            raise
        last_words(
            f"fourlenses: {printable(str(error.filename))}: {error.strerror}; {_remedy(error)}, "
            "then run it again"
        )
        sys.exit(2)
    except Interrupted as stop:
        last_words(f"fourlenses: {stop}")
        sys.exit(os.EX_TEMPFAIL)
    except KeyboardInterrupt:
        last_words("fourlenses: interrupted")
        sys.exit(130)
    finally:
        gc.freeze()  # the remaining objects go with the process, without a visit


def _reader_left() -> bool:
    """Return whether what reads this program's output has ended; then the rest is dropped."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _, event in output.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _remedy(error: OSError) -> str:
    if error.errno in PASSING:
        return "see that the disk, or the server it belongs to, is reachable"
    if error.errno not in NO_ROOM:
        return "put that right"
    return f"make room{_file_system(error.filename)}, or raise the quota or limit"


def _file_system(file: str | bytes | os.PathLike) -> str:
    """Return a phrase with the file system of a file and its free space; "" if that is unknown."""
    from fourlenses.core.units import format_bytes  # takes 20 ms: only who needs it pays

    try:
        parents = Path(os.fsdecode(file)).absolute().parents
        folder = next(folder for folder in parents if folder.exists())
        mount = next(folder for folder in [folder, *folder.parents] if os.path.ismount(folder))
        free = format_bytes(shutil.disk_usage(mount).free)
        return f" on the file system at {printable(str(mount))} ({free} free)"
    except (OSError, StopIteration, TypeError):
        return ""

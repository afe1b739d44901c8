"""What every program in workflow_scripts/ shares: a user's mistake ends in a sentence and exit code 2, a defect in a traceback."""

import gc
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from fourlenses.core.errors import Interrupted, UserError, printable
from fourlenses.core.files import NO_ROOM
from fourlenses.core.log_stream import last_words, use_log_stream

# Importing torch makes objects by the hundred thousand that all stay. Python's collector goes through them again and again meanwhile, and
# once more at the end of the process: 0.5 of the 1.7 core-seconds that such a program takes before and after its work.
OBJECTS_BETWEEN_COLLECTIONS = 50_000  # Python's own: 700


def run(main: Callable[[], None]) -> None:
    """Call ``main`` and end the process as the shell expects: 0 done, 2 a user's mistake, 75 stopped, run it again, 130 interrupted."""
    use_log_stream()
    # a notebook's or a portal's own, which its children inherit, ends the import of matplotlib; no program here opens a window
    os.environ["MPLBACKEND"] = "agg"
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        main()
    except UserError as error:
        last_words(f"fourlenses: {error}")
        sys.exit(2)
    except OSError as error:
        # what the system refused; libraries raise OSErrors of their own too, without a number or a file, and those stay tracebacks
        if error.errno is None or error.filename is None:
            raise
        remedy = (
            f"make room{_file_system(error.filename)}, or raise the quota or limit"
            if error.errno in NO_ROOM
            else "put that right"
        )
        last_words(
            f"fourlenses: {printable(str(error.filename))}: {error.strerror}; {remedy}, then run it again"
        )
        sys.exit(2)
    except Interrupted as stop:
        last_words(f"fourlenses: {stop}")
        sys.exit(os.EX_TEMPFAIL)
    except KeyboardInterrupt:
        last_words("fourlenses: interrupted")
        sys.exit(130)
    finally:
        gc.freeze()  # what is left goes with the process, unlooked at


def _file_system(file: str | bytes | os.PathLike) -> str:
    """Where a file is to be, in words: the file system and what is free on it; nothing if that cannot be told."""
    from fourlenses.core.units import format_bytes  # takes 20 ms: only who needs it pays

    try:
        folder = next(
            folder for folder in Path(os.fsdecode(file)).absolute().parents if folder.exists()
        )
        mount = next(folder for folder in [folder, *folder.parents] if os.path.ismount(folder))
        free = format_bytes(shutil.disk_usage(mount).free)
        return f" on the file system at {printable(str(mount))} ({free} free)"
    except (OSError, StopIteration, TypeError):
        return ""

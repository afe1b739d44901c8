"""What every program in workflow_scripts/ shares: a user's mistake ends in a sentence and exit code 2, a defect in a traceback."""

import os
import sys
from collections.abc import Callable

from fourlenses.errors import Interrupted, UserError, printable
from fourlenses.files import NO_ROOM


def run(main: Callable[[], None]) -> None:
    """Call ``main`` and end the process as the shell expects: 0 done, 2 a user's mistake, 75 stopped, run it again, 130 interrupted."""
    try:
        main()
    except UserError as error:
        print(f"fourlenses: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        # what the system refused; libraries raise OSErrors of their own too, without a number or a file, and those stay tracebacks
        if error.errno is None or error.filename is None:
            raise
        remedy = "make room, or raise the quota or limit" if error.errno in NO_ROOM else "put that right"
        print(f"fourlenses: {printable(str(error.filename))}: {error.strerror}; {remedy}, then run it again", file=sys.stderr)
        sys.exit(2)
    except Interrupted as stop:
        print(f"fourlenses: {stop}", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
    except KeyboardInterrupt:
        print("fourlenses: interrupted", file=sys.stderr)
        sys.exit(130)

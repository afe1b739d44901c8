"""What every program in workflow_scripts/ shares: a user's mistake ends in a sentence and exit code 2, a defect in a traceback."""

import os
import sys
from collections.abc import Callable

from fourlenses.errors import Interrupted, UserError


def run(main: Callable[[], None]) -> None:
    """Call ``main`` and end the process as the shell expects: 0 done, 2 a user's mistake, 75 stopped, run it again, 130 interrupted."""
    try:
        main()
    except UserError as error:
        print(f"fourlenses: {error}", file=sys.stderr)
        sys.exit(2)
    except Interrupted as stop:
        print(f"fourlenses: {stop}", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
    except KeyboardInterrupt:
        print("fourlenses: interrupted", file=sys.stderr)
        sys.exit(130)

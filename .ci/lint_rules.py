"""Run `snakemake --lint`, and fail by its findings but for one.

It would have all helper functions of a workflow in one file. Here a helper of one rule file stands
next to its rule; what several share is in rules/common.smk, and what needs no Snakemake in the
package (fourlenses.workflow).
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DECLINED = "Mixed rules and functions in same snakefile."


def main() -> int:
    snakemake = Path(sys.executable).with_name("snakemake")
    done = subprocess.run([snakemake, "--lint"], cwd=ROOT, capture_output=True, text=True)
    output = done.stdout + done.stderr
    lints = re.findall(r"^    \* (.+):$", output, re.MULTILINE)
    if done.returncode == 0 or (lints and set(lints) == {DECLINED}):
        return 0
    print(output, file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

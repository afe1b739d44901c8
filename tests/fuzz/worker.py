"""The process in which files are read: under a memory limit, watched for what it opens and starts.

    python -m tests.fuzz.worker <kind> <seed> <first> <count> <folder>

It prints a line before and after each file, so that its parent knows on which one it died.
"""

import faulthandler
import os
import resource
import sys
import warnings
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import KINDS, MARK, REFUSALS

MEMORY = 3 << 30  # bytes of data, above what torch and pyarrow take at their start
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.")
DESCRIPTION = 200  # characters of an error


class _Watch:
    """An audit hook: what the interpreter opens for writing and starts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen, self.on = str(folder), "", False

    def __call__(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        if event.startswith(FORBIDDEN):
            self.seen = f"{event} {arguments!r}"[:DESCRIPTION]
        elif event == "open":
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and not os.path.abspath(str(path)).startswith(self.folder):
                self.seen = f"writes {path!r} ({mode})"


def outcome(reader, file: Path) -> str:
    try:
        reader(file)
    except UserError as error:
        return f"refused {error}"
    except REFUSALS as error:
        return f"refused {error}"
    except MemoryError:
        return "defect MemoryError"
    except BaseException as error:
        return f"defect {type(error).__name__}: {error}"
    return "read"


def main(kind: str, seed: str, first: str, count: str, folder: str) -> None:
    faulthandler.enable()
    warnings.simplefilter("ignore")
    sandbox = Path(folder).resolve()
    make_seeds, reader = KINDS[kind]
    seeds = make_seeds(sandbox)
    watch = _Watch(sandbox)
    os.chdir(sandbox)
    if kind == "weights":  # what the index names
        (sandbox / "shard.safetensors").write_bytes(dict(seeds)["e.safetensors"])
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    sys.addaudithook(watch)
    contents = [content for _, content in seeds]
    for number in range(int(first), int(first) + int(count)):
        generator = np.random.default_rng((int(seed), *kind.encode(), number))
        name, content = seeds[number % len(seeds)]
        file = sandbox / name
        file.write_bytes(mutate(content, contents, generator))
        print(f"begin {number}", flush=True)
        watch.seen, watch.on = "", True
        said = outcome(reader, file)
        watch.on = False
        if watch.seen or (sandbox / MARK).exists():
            said = f"defect code run or file outside: {watch.seen}"
            (sandbox / MARK).unlink(missing_ok=True)
        print(f"end {number} " + said.replace("\n", " ")[:DESCRIPTION], flush=True)
        file.unlink()
    print("finished", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

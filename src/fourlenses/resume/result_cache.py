"""The result cache: what a finished training made, a second time, next to its checkpoints.

Snakemake removes the outputs of a job that it submits again, as it does after its head process was
killed, and of one that failed, even where the job finished on another node meanwhile. Without a
second copy such a training would start again from the beginning, when its checkpoints are gone.
"""

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from fourlenses.core.files import (
    atomic,
    read_json,
    renew_time,
    sha256,
    sync_directory,
    write_json,
)
from fourlenses.parallel.distributed import all_reduce_max, rank
from fourlenses.resume.code_version import code_version
from fourlenses.resume.lock import LockLost

log = logging.getLogger(__name__)

FOLDER, SEAL = "finished", "finished.json"


class ResultCache:
    """The folder ``finished/`` of a directory, which is one per set of settings and data.

    It holds the files, and ``finished.json``, written last, with the SHA-256 of each and of the
    code. The outputs are hard links to them, which take no room, or copies where a file system has
    no such links.

    Args:
        outputs: the file's name in ``finished/`` -> the output; the one that tells others that all
            are there comes last.
        device: the process's own.
        made_from: what decides the files, besides the code and what ``directory`` is named after
            (as JSON); a None in it is something unknown, and then nothing is restored.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        outputs: Mapping[str, Path],
        *,
        device: torch.device,
        made_from: Mapping[str, Any],
    ) -> None:
        self.folder, self.outputs, self.device = Path(directory) / FOLDER, outputs, device
        self.identified = None not in made_from.values()
        # of now: what is edited while this process trains is not in what it makes
        self.made_from = {**code_version(), **made_from}

    def put_back(self, owned: bool = True) -> bool:
        """Put the outputs into place from a whole set that was made from the same.

        To be called by all processes; the first does it, and the others learn of it. A set made
        from something else is left until this training has finished; what is partial or damaged is
        removed if ``owned``; both with a warning.

        Args:
            owned: whether this run holds the lock of the directory.

        Returns:
            Whether there was such a set.

        Raises:
            OSError: a set cannot be read, which does not mean that it is damaged; or an output
                cannot be written.
        """
        done = rank() == 0 and self.identified and self._put_back(owned)
        return bool(all_reduce_max(int(done), self.device))

    @contextlib.contextmanager
    def by_another(self) -> Iterator[None]:
        """End the block quietly where the lock was lost to a job that has finished.

        The outputs are put into place once more. Were `LockLost` an error then, Snakemake would
        remove the outputs, which are the other job's by now.
        """
        try:
            yield
        except LockLost as lost:
            if not self.put_back(owned=False):
                raise
            log.warning("%s. It has finished", lost)

    def _put_back(self, owned: bool) -> bool:
        if not self.folder.is_dir():
            return False
        try:
            seal = read_json(self.folder / SEAL)
            former = seal["made_from"]
            changed = [key for key, value in self.made_from.items() if former.get(key) != value]
            if changed:
                log.warning(
                    "the finished results in %s were made with another %s (%s has the former); "
                    "training again. They stay there until that has finished",
                    self.folder,
                    " and ".join(changed),
                    SEAL,
                )
                return False
            self._verify(seal["files"])
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning(
                "the finished results in %s cannot be used (%s); training continues without them",
                self.folder,
                error,
            )
            if owned:
                shutil.rmtree(self.folder, ignore_errors=True)
            return False
        self._publish()
        log.info(
            "this training has finished before: its results were kept in %s and are put into "
            "place, checked by SHA-256; nothing is trained. To train again, remove that folder and "
            "the results, and run the same command again",
            self.folder,
        )
        return True

    def keep(self, write: Callable[[Path], None]) -> None:
        """Write the files, seal them, and put the outputs into place, in this order.

        In the first process alone, which holds the lock; checkpoints are cleared only then, so that
        one or the other is there at any moment.

        Args:
            write: puts all files into the folder that it is given.

        Raises:
            OSError: for want of room, say; what was begun is removed then.
        """
        try:
            if self.folder.exists():
                shutil.rmtree(self.folder)  # of other code, or what a killed process began
            self.folder.mkdir(parents=True)
            write(self.folder)
            digests = {name: sha256(self.folder / name) for name in self.outputs}
            now = datetime.now(UTC).isoformat(timespec="seconds")
            write_json(
                self.folder / SEAL, {"files": digests, "made_from": self.made_from, "finished": now}
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        sync_directory(self.folder)
        self._publish()

    def _verify(self, promised: dict[str, str]) -> None:
        """Raise ValueError or FileNotFoundError where the set is not what its seal promises."""
        if set(promised) != set(self.outputs):
            raise ValueError(
                f"{SEAL} names {', '.join(sorted(promised))}, expected "
                f"{', '.join(sorted(self.outputs))}"
            )
        for name, digest in promised.items():
            if (actual := sha256(self.folder / name)) != digest:
                raise ValueError(
                    f"{name} has SHA-256 {actual[:16]}..., {SEAL} promises {str(digest)[:16]}...: "
                    "truncated or changed since"
                )

    def _publish(self) -> None:
        for name, output in self.outputs.items():
            _put(self.folder / name, output)


def _put(file: Path, output: Path) -> None:
    """Replace an output by a link to the file, or a copy.

    A reader sees the former file or the whole new one.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    # one name for all, so that what a killed process left is replaced
    temporary = output.with_name(f".{output.name}.part")
    try:
        temporary.unlink(missing_ok=True)
        os.link(file, temporary)
        os.replace(temporary, output)
    except OSError:  # no links here, or across file systems
        with atomic(output) as copy:
            shutil.copyfile(file, copy)
    finally:
        temporary.unlink(
            missing_ok=True
        )  # renaming a link onto another of the same file does nothing
    renew_time(output)  # Snakemake takes what is older than the job's inputs for out of date

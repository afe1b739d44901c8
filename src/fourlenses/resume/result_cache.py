"""What a finished training made, kept a second time beside where its checkpoints were, so that it outlives the removal of its outputs.

Snakemake removes the outputs of a job that it submits again, as it does after its head was killed, and of one that failed, be it the orphan
of a job that finished on another node meanwhile. Without a second copy such a training would begin anew, when its checkpoints are gone.
"""

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from fourlenses.core.files import atomic, read_json, sha256, sync_directory, write_json
from fourlenses.parallel.distributed import agree, rank
from fourlenses.resume.code_version import code_version
from fourlenses.resume.lock import LockLost

log = logging.getLogger(__name__)

FOLDER, SEAL = "finished", "finished.json"


class ResultCache:
    """``finished/`` in ``directory`` (one per set of settings and data): the files, and ``finished.json``, written last, with the SHA-256
    of each and of the code. The outputs are hard links to them, which take no room, or copies where a file system has no such links.

    outputs: the file's name in ``finished/`` -> the output, the one that tells others that all are there last. device: the process's own.
    made_from: what has a say in the files, besides the code and what ``directory`` is named after (as JSON); a None in it is something
    unknown, and then nothing is put back.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        outputs: Mapping[str, Path],
        device: torch.device,
        made_from: dict,
    ) -> None:
        self.folder, self.outputs, self.device = Path(directory) / FOLDER, outputs, device
        self.identified = None not in made_from.values()
        # of now: what is edited while this process trains is not in what it makes
        self.made_from = {**code_version(), **made_from}

    def put_back(self, owned: bool = True) -> bool:
        """Put the outputs into place from a whole set that was made from the same; whether there was one. To be called by all processes;
        the first does it, and the others learn of it. owned: whether this run owns the directory.

        A set made from something else is left until this training has finished; what is partial or damaged is removed if ``owned``; both
        with a warning.

        Raises:
            OSError: a set cannot be read, which does not say that it is damaged; or an output cannot be written.
        """
        return bool(
            agree(int(rank() == 0 and self.identified and self._put_back(owned)), self.device)
        )

    @contextlib.contextmanager
    def by_another(self) -> Iterator[None]:
        """Within the block, `LockLost` is no error where the one who took over has finished: the outputs are put into place once more,
        and the block ends quietly. Were it an error, Snakemake would remove the outputs, which are the other's by now.
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
            if changed := [
                key for key, value in self.made_from.items() if seal["made_from"].get(key) != value
            ]:
                log.warning(
                    "the finished results in %s were made with another %s (%s has the former); training anew. They stay there until that "
                    "has finished",
                    self.folder,
                    " and ".join(changed),
                    SEAL,
                )
                return False
            self._verify(seal["files"])
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning(
                "the finished results in %s cannot be used (%s); training goes on without them",
                self.folder,
                error,
            )
            if owned:
                shutil.rmtree(self.folder, ignore_errors=True)
            return False
        self._publish()
        log.info(
            "this training has finished before: its results were kept in %s and are put into place, checked by SHA-256; nothing is "
            "trained. To train again, remove that folder and the results, and run the same command again",
            self.folder,
        )
        return True

    def keep(self, write: Callable[[Path], None]) -> None:
        """Let ``write`` put all files into the folder it is given, seal them, and put the outputs into place, in this order. In the first
        process alone, as owner; checkpoints are cleared only then, so that one or the other is there at any moment.

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
        """Raises ValueError or FileNotFoundError where the set is not what its seal promises."""
        if set(promised) != set(self.outputs):
            raise ValueError(
                f"{SEAL} names {', '.join(sorted(promised))}, expected {', '.join(sorted(self.outputs))}"
            )
        for name, digest in promised.items():
            if (found := sha256(self.folder / name)) != digest:
                raise ValueError(
                    f"{name} has SHA-256 {found[:16]}..., {SEAL} promises {str(digest)[:16]}...: truncated or changed since"
                )

    def _publish(self) -> None:
        for name, output in self.outputs.items():
            _put(self.folder / name, output)


def _put(kept: Path, output: Path) -> None:
    """Replace ``output`` by a link to ``kept``, or a copy; a reader sees the former file or the whole new one."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(
        f".{output.name}.part"
    )  # one name for all, so that what a killed process left is replaced
    try:
        temporary.unlink(missing_ok=True)
        os.link(kept, temporary)
        os.replace(temporary, output)
    except OSError:  # no links here, or across file systems
        with atomic(output) as copy:
            shutil.copyfile(kept, copy)
    finally:
        temporary.unlink(
            missing_ok=True
        )  # renaming a link onto another of the same file does nothing
    os.utime(output)  # Snakemake takes what is older than the job's inputs for out of date

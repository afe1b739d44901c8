"""Whether a beton will fit on its disk, from what its images have taken so far: known early, before the disk is full."""

import shutil
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.units import format_bytes
from fourlenses.data.beton.reader import ALLOCATION, PAGE_SIZE, SAMPLE

FIRST, AGAIN = (
    256,
    1 << 30,
)  # images after which the need is estimated, and bytes after which it is estimated again
_MARGIN = 1.05  # images come class by class, so that those still to come may be larger on average


class DiskSpace:
    """Watches over one file that grows by images."""

    def __init__(self, file: Path, images: int) -> None:
        self._file, self._images = file, images
        self._next_images, self._next_bytes = min(FIRST, images), 0
        self.refuse_if_short(PAGE_SIZE, "at least ")  # a disk that is full already

    def grown(self, done: int, length: int) -> None:
        """Estimate, when it is time to, from ``done`` images that have made the file ``length`` bytes long.

        Raises:
            UserError: what is still to come does not fit.
        """
        if done < self._next_images or length < self._next_bytes:
            return
        self._next_bytes = length + AGAIN
        head = -(-self._images * SAMPLE.itemsize // PAGE_SIZE) * PAGE_SIZE
        to_come = int((length - head) / done * (self._images - done) * _MARGIN)
        # half a page is left open at its end on average when an image does not fit; with small images much less
        self.refuse_if_short(
            to_come + self._images * (SAMPLE.itemsize + ALLOCATION.itemsize) + PAGE_SIZE, "about "
        )

    def refuse_if_short(self, needed: int, how_sure: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._file.parent).free
        if free < needed:
            raise UserError(
                f"{self._file.parent} has {format_bytes(free)} free, but {how_sure}{format_bytes(needed)} more are needed "
                f"for {self._file.name}; make room or lower 'stored_size'"
            )

    def ran_out(self, error: OSError, done: int) -> UserError:
        """What to say when writing failed for want of room all the same: others fill disks too."""
        return UserError(
            f"no room for {self._file} after {done} of {self._images} images ({error.strerror}; {self._file.parent} has "
            f"{format_bytes(shutil.disk_usage(self._file.parent).free)} free); "
            "make room, raise the quota or limit, or lower 'stored_size', and run it again"
        )

"""Estimate of the room that a beton needs, from its first images, before the disk is full."""

import shutil
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.units import format_bytes
from fourlenses.data.beton.reader import ALLOCATION, PAGE_SIZE, SAMPLE

FIRST = 256  # images after which the need is estimated
AGAIN = 1 << 30  # bytes after which it is estimated again
_MARGIN = 1.05  # images come class by class, so that those still to come may be larger on average


class DiskSpace:
    """The room for a file that grows by images.

    Args:
        file: It need not be there.
        images: Number of images in all.

    Raises:
        UserError: The disk is full already.
    """

    def __init__(self, file: Path, images: int) -> None:
        self._file, self._images = file, images
        self._next_images, self._next_bytes = min(FIRST, images), 0
        self._refuse_if_short(PAGE_SIZE, "at least ")

    def grown(self, done: int, length: int) -> None:
        """Estimate the need again, when it is time to.

        Args:
            done: Images written.
            length: Bytes of the file.

        Raises:
            UserError: The remaining images do not fit.
        """
        if done < self._next_images or length < self._next_bytes:
            return
        self._next_bytes = length + AGAIN
        head = -(-self._images * SAMPLE.itemsize // PAGE_SIZE) * PAGE_SIZE
        to_come = int((length - head) / done * (self._images - done) * _MARGIN)
        # a page has half an image of unused room at its end on average: the margin covers it
        tables = self._images * (SAMPLE.itemsize + ALLOCATION.itemsize)
        self._refuse_if_short(to_come + tables + PAGE_SIZE, "about ")

    def _refuse_if_short(self, needed: int, how_sure: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._file.parent).free
        if free < needed:
            raise UserError(
                f"{self._file.parent} has {format_bytes(free)} free, but "
                f"{how_sure}{format_bytes(needed)} more are needed for {self._file.name}; make "
                "room or lower 'stored_size'"
            )

    def ran_out(self, error: OSError, done: int) -> UserError:
        """Return the error for a write that failed for lack of room: others fill disks too."""
        free = format_bytes(shutil.disk_usage(self._file.parent).free)
        return UserError(
            f"no room for {self._file} after {done} of {self._images} images ({error.strerror}; "
            f"{self._file.parent} has {free} free); make room, raise the quota or limit, or lower "
            "'stored_size', and run it again"
        )

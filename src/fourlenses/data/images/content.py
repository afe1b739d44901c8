"""Types of what a source gives for an image."""

from collections.abc import Callable

import numpy as np


class Undecodable(Exception):
    """The image cannot be used; the message is the reason."""


# Bytes of an image file, or uint8 pixels (height, width, 3), or the reason why there is neither.
ImageContent = bytes | np.ndarray | Undecodable
# The content, or a function that gives it: the threads that decode call it, so that they also read
# in parallel.
LazyImage = ImageContent | Callable[[], ImageContent]

"""Views that grow in the course of a training: small first, which costs less.

As FFCV's training of ImageNet and FFCV-SSL (https://arxiv.org/abs/2303.01986) do it.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import islice

from torch import Tensor

from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.loading.inputs import Chosen, ViewedInput


def views_in_parts(
    augmentations: Sequence[Augmentation],
    shares: Sequence[float] | None,
    *,
    image_size: int,
    seed: int,
) -> list[list[Augment]]:
    """Return the views of each part of the steps; one part where there are no shares.

    Args:
        augmentations: Of each view.
        shares: Of its size, one for each part.
        image_size: Of the whole views, px.
        seed: Of the draws.
    """
    return [
        [
            # as it is: its size may follow that of the images
            Augment(each if share == 1 else each.at_share(share, image_size), image_size, seed)
            for each in augmentations
        ]
        for share in shares or [1.0]
    ]


class ProgressiveInput:
    """An `Input` that makes the views of another one, of other sizes in each part of the steps.

    What is drawn for a view does not depend on its size: only the scale of the views changes.

    Args:
        source: The other one. Its views are replaced.
        parts: The views of each part of the steps, in order; the parts are equal.
        total_steps: Of the training.
        first_step: That the first batch asked for is of: above 0 in a resumed training.
    """

    def __init__(
        self,
        source: ViewedInput,
        parts: list[list[Augment]],
        *,
        total_steps: int,
        first_step: int = 0,
    ) -> None:
        self.kind, self.num_classes = source.kind, source.num_classes
        self.labels, self.ids = source.labels, source.ids
        self._source, self._parts = source, parts
        self._total_steps, self._first_step = total_steps, first_step

    def batches(self, chosen: Chosen) -> Generator[list[Tensor], None, None]:
        step, asked = self._first_step, iter(chosen)
        for views, end in self._ends():
            if step < end:
                self._source.views = views
                yield from self._source.batches(islice(asked, end - step))
                step = end

    def _ends(self) -> Iterator[tuple[list[Augment], int]]:
        """Yield the views of each part, and the step that it ends before."""
        count = len(self._parts)
        for number, views in enumerate(self._parts, start=1):
            yield views, round(number * self._total_steps / count)

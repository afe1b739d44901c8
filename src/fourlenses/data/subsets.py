"""Nested subsets of a dataset's training images, drawn uniformly (Cole et al. 2022, section 3: 500k contains 250k contains 125k …).

An image's place in the order depends on the seed and its own id alone, so subsets are nested, and stay what they are when other images
come, go or change places.
"""

import numpy as np

from fourlenses.data.manifest import Manifest, column, rows_of
from fourlenses.errors import UserError
from fourlenses.randomness import mix, named_seed, string_ids


def draw_subset(manifest: Manifest, quarantined: set[str], images: int | str, seed: int, dataset: str) -> np.ndarray:
    """Rows of the manifest, int64 ascending: ``images`` of the training images that could be decoded, or all of them for ``"all"``.

    Raises:
        UserError: more are asked for than there are.
    """
    ids, rows = column(manifest, "id"), rows_of(manifest, "train")
    if quarantined:
        rows = rows[~ids.is_in(quarantined)[rows]]
    count = len(rows) if images == "all" else int(images)
    if count > len(rows):
        raise UserError(
            f"dataset '{dataset}' has {len(rows)} usable training images, but the config asks for {count} "
            "(keys 'pretrain_images' and 'labelled_images' of the lenses); lower them, or use 'all'"
        )
    order = np.argsort(mix(named_seed(seed, "subset"), string_ids(ids)[rows]), kind="stable")
    return np.sort(rows[order[:count]]).astype(np.int64)

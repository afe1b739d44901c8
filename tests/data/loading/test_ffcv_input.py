"""FFCV's Loader as an input: the same images, crops and order as the resident one."""

import numpy as np
import pytest
import torch

from fourlenses.core.errors import UserError
from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.loading.ffcv_input import RUN, FfcvInput, _runs
from fourlenses.data.loading.inputs import ResidentInput, choose_input
from fourlenses.data.loading.resident import load_images
from tests.helpers.pictures import jpeg_bytes, picture

CPU = torch.device("cpu")
SIDE, COUNT = 48, 20
SHAPES = [(48, 48), (72, 48), (48, 64), (60, 48), (48, 54)]  # the shortest side is what is stored


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """Pixels in the even rows, JPEGs in the odd ones; rows are used in an order of their own."""
    path = tmp_path_factory.mktemp("ffcv") / "mixed.beton"
    writer = BetonWriter(path, COUNT)
    for row in range(COUNT):
        width, height = SHAPES[row % len(SHAPES)]
        image = jpeg_bytes(row, width, height, subsampling=0)
        if row % 2 == 0:
            image = np.asarray(picture(row, width, height))
        writer.add(image, width=width, height=height, label=row % 3, index=row)
    writer.close()
    return path, np.arange(COUNT)[::-1].copy(), "one"


def views(augmentation: Augmentation) -> list[Augment]:
    return [Augment(augmentation, 32, 1), Augment(augmentation, 24, 1)]


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Of several sizes and epochs, some images twice."""
    generator = np.random.default_rng(0)
    return [
        (generator.integers(0, COUNT, size), np.full(size, epoch))
        for epoch, size in enumerate((8, 8, 8, 5, 8, 1))
    ]


def test_it_sees_the_same_images(part):
    crops = views(Augmentation(jitter=None, grey=0, blur=0))
    ffcv = choose_input("ffcv", [part], stored_size=SIDE, views=crops, device=CPU, workers=2)
    data = load_images(part[0], part[1], SIDE, dataset=part[2], workers=1)
    resident = ResidentInput(data, crops, CPU)
    assert isinstance(ffcv, FfcvInput)
    assert (ffcv.kind, len(ffcv), ffcv.num_classes) == ("ffcv", COUNT, 3)
    assert np.array_equal(ffcv.labels, resident.labels)
    assert np.array_equal(ffcv.ids, resident.ids)
    chosen = batches()
    seen = list(ffcv.batches(chosen))
    expected = list(resident.batches(chosen))
    assert len(seen) == len(expected) == len(chosen)
    for (positions, _), got, wanted in zip(chosen, seen, expected, strict=True):
        as_pixels = torch.from_numpy(part[1][positions] % 2 == 0)
        for one, other in zip(got, wanted, strict=True):
            difference = 255 * (one - other).abs()
            assert torch.equal(one[as_pixels], other[as_pixels])
            # JPEGs: the decoders round differently
            assert difference.mean() < 1
            assert difference.max() < 12
    # broken off and begun again, as by a resumed run
    half = ffcv.batches(chosen)
    next(half)
    half.close()
    again = [view for batch in ffcv.batches(chosen[2:]) for view in batch]
    later = [view for batch in seen[2:] for view in batch]
    assert all(torch.equal(one, other) for one, other in zip(again, later, strict=True))


def test_a_pool_is_refused(part):
    with pytest.raises(UserError, match=r"reads one beton, but this .* has 2 \(one, one\)"):
        choose_input("ffcv", [part, part], stored_size=SIDE, views=[], device=CPU, workers=1)


def test_a_loader_that_gives_up_is_an_error(part, monkeypatch):
    ffcv = FfcvInput(part, SIDE, [], device=CPU, workers=1)

    class Ended:
        class output_queue:
            empty = staticmethod(lambda: True)

        is_alive = staticmethod(lambda: False)

    with pytest.raises(UserError, match="FFCV's Loader gave up"):
        ffcv._next(Ended())


def test_runs_are_of_one_size():
    sizes = [4] * (RUN + 1) + [3] + [4, 0, 4]
    made = [[len(rows) for rows, _ in run] for run in _runs([(np.zeros(n), None) for n in sizes])]
    assert made == [[4] * RUN, [4], [3], [4, 4]]

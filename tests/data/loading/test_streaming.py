import os
import threading
import time

import numpy as np
import pytest
import torch

from fourlenses.core import patience
from fourlenses.core.errors import UserError
from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.loading import compiled_crops
from fourlenses.data.loading.crops import Cropper
from fourlenses.data.loading.inputs import ResidentInput
from fourlenses.data.loading.resident import concatenate, load_images
from fourlenses.data.loading.streaming import StreamingInput
from fourlenses.training.sampling import Stream
from tests.helpers.pictures import jpeg_bytes, picture

CPU = torch.device("cpu")
CROP_ONLY = Augmentation(jitter=None, grey=0, blur=0)
# the width is odd or even, the picture upright or lying; the shortest side is what is stored
SHAPES = [(48, 48), (71, 48), (48, 64), (60, 48), (48, 53)]


def write_jpegs(path, count=23):
    writer = BetonWriter(path, count)
    for row in range(count):
        width, height = SHAPES[row % len(SHAPES)]
        writer.add(
            jpeg_bytes(row, width, height, subsampling=row % 3),
            width=width,
            height=height,
            label=row % 3,
            index=row,
        )
    writer.close()
    return path


def write_pixels(path, count=12):
    writer = BetonWriter(path, count)
    for row in range(count):
        width, height = SHAPES[row % len(SHAPES)]
        writer.add(
            np.asarray(picture(row, width, height)),
            width=width,
            height=height,
            label=row % 4,
            index=row,
        )
    writer.close()
    return path


@pytest.fixture
def parts(tmp_path):
    """Two datasets: JPEGs (rows 22 to 3) and pixels (every row)."""
    return [
        (write_jpegs(tmp_path / "jpegs.beton"), np.arange(22, 2, -1), "jpegs"),
        (write_pixels(tmp_path / "pixels.beton"), np.arange(12), "pixels"),
    ]


def make(parts, recipe=CROP_ONLY, workers=2, stored_size=48, **options):
    return StreamingInput(
        parts,
        stored_size,
        [Augment(recipe, 32, 5), Augment(recipe, 32, 5)],
        device=CPU,
        workers=workers,
        **options,
    )


def test_crops_are_compiled_once_for_all_workers(parts, monkeypatch):
    compiled = []

    def without(source, made):
        compiled.append(made)
        time.sleep(0.2)

    monkeypatch.setattr(compiled_crops, "compiled_library", without)
    compiled_crops.crops_function.cache_clear()
    try:
        batches = make(parts, workers=4).batches([(np.arange(20), np.zeros(20, np.int64))])
        assert len(list(batches)) == 1
    finally:
        compiled_crops.crops_function.cache_clear()
    assert compiled == ["crops"]


def resident(parts, recipe=CROP_ONLY, stored_size=48):
    data = concatenate(
        [
            load_images(file, rows, stored_size, dataset=name, workers=1)
            for file, rows, name in parts
        ]
    )
    return ResidentInput(data, [Augment(recipe, 32, 5), Augment(recipe, 32, 5)], CPU)


def steps(count, start=0, images=32, batch=10):
    stream = Stream(images, batch, seed=3)
    return (stream.batch(step) for step in range(start, count))


def collect(input_, chosen):
    return [torch.stack(views) for views in input_.batches(chosen)]


def test_labels_ids_and_classes_are_the_resident_ones(parts):
    streaming, held = make(parts), resident(parts)
    assert np.array_equal(streaming.labels, held.labels)
    assert np.array_equal(streaming.ids, held.ids)
    assert (streaming.num_classes, len(streaming)) == (held.num_classes, len(held)) == (7, 32)
    assert streaming.labels.dtype == np.int64
    assert streaming.ids.dtype == np.uint64


def test_crops_are_the_resident_ones_within_a_level(parts):
    """Only rounding to whole levels, twice, differs; the stored pixels and the boxes are equal."""
    for ours, theirs in zip(
        collect(make(parts), steps(8)), collect(resident(parts), steps(8)), strict=True
    ):
        assert ours.shape == theirs.shape == (2, 10, 3, 32, 32)
        assert ours.dtype == torch.float32
        difference = (ours - theirs).abs() * 255
        assert difference.max() <= 1.01
        assert difference.mean() <= 0.4


def test_whole_views_are_the_resident_ones_within_what_colour_makes_of_a_level(parts):
    for ours, theirs in zip(
        collect(make(parts, Augmentation()), steps(8)),
        collect(resident(parts, Augmentation()), steps(8)),
        strict=True,
    ):
        difference = (ours - theirs).abs() * 255
        assert difference.max() <= 12
        assert difference.mean() <= 0.4


@pytest.mark.parametrize("stored_size", [40, 57])
def test_images_of_another_size_are_scaled_as_resident_ones_are(parts, stored_size):
    """Smaller pictures are stored as they are, and become squares of stored_size when read.

    Here another scaler makes them.
    """
    (ours,), (theirs,) = (
        collect(of(parts, stored_size=stored_size), [(np.arange(32), np.zeros(32, np.int64))])
        for of in (make, resident)
    )
    difference = (ours - theirs).abs() * 255
    assert difference.max() <= 2.01
    assert difference.mean() <= 0.5


def test_views_may_have_sizes_of_their_own(parts):
    small = Augmentation(jitter=None, grey=0, blur=0, size=0.25)
    chosen = [(np.arange(20), np.zeros(20, np.int64))]
    views = [Augment(CROP_ONLY, 32, 5), Augment(small, 32, 5), Augment(CROP_ONLY, 32, 5)]
    streamed = StreamingInput(parts, 48, views, device=CPU, workers=2)
    loaded = [load_images(*part[:2], 48, dataset=part[2], workers=1) for part in parts]
    resident = ResidentInput(concatenate(loaded), views, CPU)
    ((ours), (theirs)) = (next(source.batches(iter(chosen))) for source in (streamed, resident))
    assert [view.shape[2:] for view in ours] == [(32, 32), (8, 8), (32, 32)]
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).abs().max() <= 1.5 / 255


def test_the_number_of_workers_and_of_batches_ahead_change_nothing(parts):
    one = collect(make(parts, Augmentation(), workers=1, ahead=1), steps(9))
    for workers, ahead in ((3, 1), (2, 5), (7, 3)):
        assert all(
            torch.equal(*pair)
            for pair in zip(
                one,
                collect(make(parts, Augmentation(), workers=workers, ahead=ahead), steps(9)),
                strict=True,
            )
        )


def test_a_run_that_starts_later_gets_the_rest_of_the_stream(parts):
    whole, rest = collect(make(parts), steps(9)), collect(make(parts), steps(9, start=4))
    assert all(torch.equal(*pair) for pair in zip(whole[4:], rest, strict=True))


def test_a_sample_is_the_same_in_any_batch(parts):
    epochs = np.full(32, 6)
    streaming = make(parts)
    (together,) = collect(streaming, [(np.arange(32), epochs)])
    order = np.random.default_rng(0).permutation(32)
    first, second, none = collect(
        streaming, [(order[:5], epochs[:5]), (order[5:], epochs[5:]), (order[:0], epochs[:0])]
    )
    assert torch.equal(torch.cat([first, second], 1), together[:, order])
    assert none.shape == (2, 0, 3, 32, 32)
    (later,) = collect(streaming, [(np.arange(32), epochs + 1)])
    assert ((later - together).abs().amax((2, 3, 4)) > 0.02).float().mean() > 0.9


def test_what_was_given_away_is_not_overwritten(parts):
    views = [torch.stack(batch).clone() for batch in make(parts, ahead=1).batches(steps(9))]
    kept = list(make(parts, ahead=1).batches(steps(9)))
    assert all(
        torch.equal(first, torch.stack(second)) for first, second in zip(views, kept, strict=True)
    )


def input_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("input-")]


def endless(images=32):
    while True:
        yield np.arange(images) % 32, np.zeros(images, np.int64)


def test_no_thread_outlives_the_iterator(parts):
    batches = make(parts).batches(endless())
    next(batches)
    assert len(input_threads()) == 2
    batches.close()
    assert input_threads() == []
    for _ in make(parts).batches(endless()):
        break
    assert input_threads() == []

    def consumer():
        for _ in make(parts).batches(endless()):
            raise KeyError("in the training")

    with pytest.raises(KeyError):
        consumer()
    assert input_threads() == []
    collect(make(parts), steps(3))
    assert input_threads() == []


def overwrite(path, sample, data):
    with open(path, "r+b") as file:
        file.seek(int(Beton(path).start[sample]) + 100)
        file.write(data)


def test_a_damaged_image_is_named(parts):
    overwrite(parts[0][0], 7, bytes(300))
    with pytest.raises(
        UserError,
        match=r"jpegs.beton, sample 7 \(row 7 of its manifest\) cannot be decoded .*delete it",
    ):
        collect(make(parts), steps(5))
    assert input_threads() == []


def test_a_file_that_is_cut_off_or_gone_is_named(parts, tmp_path):
    """An error, where a memory map would have killed the process."""
    for damage, message in (
        (
            lambda file: os.truncate(file, int(Beton(file).start[5])),
            r"jpegs.beton, sample \d+ .*the file ends before it",
        ),
        (os.unlink, "jpegs.beton cannot be opened"),
    ):
        write_jpegs(tmp_path / "jpegs.beton")
        streaming = make(parts)
        damage(tmp_path / "jpegs.beton")
        with pytest.raises(UserError, match=message):
            collect(streaming, steps(5))


def test_a_disk_that_fails_is_named(parts, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    streaming = make(parts)
    monkeypatch.setattr(patience, "PAUSES", ())
    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(
        UserError,
        match=r"beton, sample .* cannot be read: .*Input/output error; is its disk reachable",
    ):
        collect(streaming, steps(5))


def test_a_file_system_that_reads_in_pieces(parts, monkeypatch):
    whole, pread = collect(make(parts), steps(5)), os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, start: pread(file, min(size, 500), start))
    assert all(
        torch.equal(*pair) for pair in zip(whole, collect(make(parts), steps(5)), strict=True)
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_is_an_error(parts, monkeypatch):
    monkeypatch.setattr(Cropper, "__init__", lambda self: 1 / 0)
    with pytest.raises(UserError, match="has died"):
        collect(make(parts), steps(5))


def test_an_unforeseen_error_of_a_worker_reaches_the_training(parts, monkeypatch):
    monkeypatch.setattr(Cropper, "cut", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        collect(make(parts), steps(5))
    assert input_threads() == []


def test_a_worker_that_hangs_is_an_error_within_the_patience(parts, monkeypatch):
    release, cut = threading.Event(), Cropper.cut

    def hang_at_raw(self, data, *, mode, **rest):
        if mode == 1:
            release.wait(30)
        cut(self, data, mode=mode, **rest)

    monkeypatch.setattr(Cropper, "cut", hang_at_raw)
    started = time.monotonic()
    with pytest.raises(
        UserError,
        match=r"no images are coming.* at .*pixels.beton, sample \d+ \(row \d+ of its manifest\) "
        r"for \d+ s.*disk",
    ):
        collect(make(parts, patience_seconds=0.5), steps(5))
    assert time.monotonic() - started < 5
    release.set()
    for thread in input_threads():
        thread.join(5)
    assert input_threads() == []

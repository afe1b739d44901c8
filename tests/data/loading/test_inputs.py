import logging
import subprocess
import sys

import numpy as np
import pytest
import torch

from fourlenses.core.errors import UserError
from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.loading import inputs
from fourlenses.data.loading.inputs import ResidentInput, Subset, choose_input
from fourlenses.data.loading.resident import concatenate, load_images
from fourlenses.data.loading.streaming import StreamingInput
from fourlenses.training.sampling import Stream
from tests.helpers.pictures import picture

CPU = torch.device("cpu")
VIEWS = [Augment(Augmentation(), 24, 1), Augment(Augmentation(blur=0.0), 16, 1)]


@pytest.fixture
def parts(tmp_path):
    parts = []
    for name in ("one", "two"):
        writer = BetonWriter(tmp_path / f"{name}.beton", 10)
        for row in range(10):
            writer.add(
                np.asarray(picture(row, 32, 32)), width=32, height=32, label=row % 3, index=row
            )
        writer.close()
        parts.append((tmp_path / f"{name}.beton", np.arange(10), name))
    return parts


def test_resident_batches_are_views_of_the_chosen_images(parts):
    data = concatenate(
        [load_images(file, rows, 32, dataset=name, workers=1) for file, rows, name in parts]
    )
    resident = ResidentInput(data, VIEWS, CPU)
    stream = Stream(len(resident), 8, seed=0)
    assert (len(resident), resident.num_classes) == (20, 6)
    for step, batch in enumerate(resident.batches(stream.batch(step) for step in range(5))):
        positions, epochs = stream.batch(step)
        for number, (view, got) in enumerate(zip(VIEWS, batch, strict=True)):
            assert torch.equal(
                got,
                view(
                    data.images[torch.from_numpy(positions)],
                    data.ids[positions],
                    epoch=epochs,
                    view=number,
                ),
            )


@pytest.mark.parametrize("kind", ["resident", "streaming"])
def test_images_of_a_subset_are_drawn_as_those_of_the_whole(parts, kind):
    whole = choose_input(kind, parts, stored_size=32, views=VIEWS, device=CPU, workers=1)
    positions = np.array([3, 4, 11, 19])
    part = Subset(whole, positions)
    assert (len(part), part.num_classes, part.kind) == (4, 6, kind)
    assert np.array_equal(part.labels, whole.labels[positions])
    assert np.array_equal(part.ids, whole.ids[positions])
    epochs = np.array([0, 7])
    (own,) = part.batches([(np.array([2, 0]), epochs)])
    (same,) = whole.batches([(positions[[2, 0]], epochs)])
    assert all(torch.equal(one, other) for one, other in zip(own, same, strict=True))


@pytest.mark.parametrize(
    ("setting", "free", "kind"),
    [
        ("auto", 1 << 20, ResidentInput),
        (
            "auto",
            200_000,
            StreamingInput,
        ),  # 20 images of 3 KB, twice while they are joined, are more than 40 % of it
        ("streaming", 1 << 20, StreamingInput),
        ("resident", 1000, ResidentInput),
    ],
)
def test_memory_or_the_setting_decides(parts, monkeypatch, caplog, setting, free, kind):
    monkeypatch.setattr(inputs, "available_memory", lambda: free)
    with caplog.at_level(logging.INFO):
        chosen = choose_input(setting, parts, stored_size=32, views=VIEWS, device=CPU, workers=1)
    assert type(chosen) is kind
    (message,) = caplog.messages
    assert message.startswith(
        f"{'resident' if kind is ResidentInput else 'streaming'} images: 20 of 32 px would take 60 "
        "KiB of the"
    )
    assert ("was asked for" in message) == (setting != "auto")
    (batch,) = chosen.batches([(np.arange(4), np.zeros(4, np.int64))])
    assert [tuple(view.shape) for view in batch] == [(4, 3, 24, 24), (4, 3, 16, 16)]


def test_other_settings_are_refused(parts):
    with pytest.raises(UserError, match="auto, resident, streaming, ffcv, not 'dali'"):
        choose_input("dali", parts, stored_size=32, views=VIEWS, device=CPU, workers=1)
    with pytest.raises(
        UserError, match=r"'ffcv', whose Loader reads one beton.*has 2 \(one, two\)"
    ):
        choose_input("ffcv", parts, stored_size=32, views=VIEWS, device=CPU, workers=1)


def test_choosing_imports_what_streams_only_when_it_streams():
    code = """
import sys
import fourlenses.data.loading.inputs
print(sorted({"fourlenses.data.loading.streaming", "ffcv", "numba"} & set(sys.modules)))
import fourlenses.data.loading.streaming, fourlenses.data.images.turbojpeg
fourlenses.data.images.turbojpeg.JpegDecoder()
print(sorted({"ffcv", "numba", "cv2"} & set(sys.modules)))
"""
    assert subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split() == ["[]", "[]"]

"""Failures of FFCV's writer and reader, each next to the same case with ours.

FFCV hangs or gives wrong images after an image that cannot be decoded, an interrupted writer, a
file cut short, or a last page that is not whole. Also: the remains of our writer after a full disk
or a kill.
"""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.beton import writer as beton_writer
from fourlenses.data.beton.reader import PAGE_SIZE, Beton
from fourlenses.data.beton.writer import BetonWriter, content_sha256
from fourlenses.data.conversion import disk_space
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.sources import image_folder as source
from tests.helpers.pictures import jpeg_bytes

DEFINITION = {"source": "image_folder", "path": "animals"}


def convert(root, output, allowed=0.0, size=40):
    write_beton(
        "animals",
        DEFINITION,
        root,
        manifest=source.index("animals", DEFINITION, root),
        variant="clean",
        size=size,
        max_undecodable=allowed,
        output=output,
        workers=1,
    )


def python(code: str, *arguments, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, text=True, start_new_session=True, **options)


def end(process: subprocess.Popen) -> None:
    """Kill it with what it started: its session has no other members."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_an_undecodable_image_stops_ffcv_for_ever_and_not_us(tmp_path, image_folder):
    (image_folder / "train/ant/0.jpg").write_bytes(jpeg_bytes(1)[:300])
    theirs = tmp_path / "theirs.beton"
    process = python(
        """
        import sys
        from pathlib import Path
        from PIL import Image
        from ffcv.fields import IntField, RGBImageField
        from ffcv.writer import DatasetWriter

        files = sorted(Path(sys.argv[1]).rglob("*.jpg"))
        class Folder:
            def __len__(self): return len(files)
            def __getitem__(self, index): return Image.open(files[index]).convert("RGB"), 0

        print("ready", flush=True)
        fields = {"image": RGBImageField(write_mode="jpg"), "label": IntField()}
        DatasetWriter(sys.argv[2], fields, num_workers=1).from_indexed_dataset(Folder())
        """,
        image_folder,
        theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=5)  # 48 small images: a tenth of a second would do
    end(process)
    # and what it leaves when someone loses patience: FFCV opens it
    from ffcv.reader import Reader

    assert Reader(str(theirs)).num_samples == 48
    with pytest.raises(UserError, match=r"no beton|truncated|no finished beton"):
        Beton(theirs)

    convert(tmp_path, tmp_path / "ours.beton", allowed=0.1)
    assert [entry["path"] for entry in read_json(tmp_path / "ours.json")["undecodable"]] == [
        "train/ant/0.jpg"
    ]
    assert len(Beton(tmp_path / "ours.beton")) == 47


def test_a_file_cut_short_is_opened_by_ffcv_and_not_by_us(tmp_path, image_folder):
    from ffcv.reader import Reader

    file = tmp_path / "x.beton"
    convert(tmp_path, file)
    whole = file.read_bytes()
    assert len(whole) > 2 * PAGE_SIZE  # the head, a page, the table
    for length in (
        len(whole) - 1,
        len(whole) - 500,
        2 * PAGE_SIZE,
        2 * PAGE_SIZE - 1,
        PAGE_SIZE + 9,
        PAGE_SIZE,
        4000,
        3000,
    ):
        file.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"truncated|no beton|damaged"):
            Beton(file)
    file.write_bytes(whole[: -10 * 24])  # the places of ten images are gone
    assert Reader(str(file)).num_samples == 48
    zeros = bytearray(whole)
    zeros[-24:] = bytes(24)  # the last entry of the table
    file.write_bytes(zeros)
    with pytest.raises(UserError, match=r"sample 47 is not where or what it should be"):
        Beton(file)


@pytest.mark.parametrize("os_cache", [True, False])
def test_ffcv_reads_whole_pages_of_ours(tmp_path, os_cache):
    """Without the system's cache FFCV reads page by page, the last page too.

    An error in its thread would leave the loader waiting for ever.
    """
    writer = BetonWriter(tmp_path / "x.beton", 30)
    for row in range(20):  # two pages and a piece of a third, fewer samples than announced
        writer.add(
            np.full((600, 600, 3), row, np.uint8), width=600, height=600, label=row % 3, index=row
        )
    writer.close()
    process = python(
        """
        import sys
        from ffcv.fields.basics import IntDecoder
        from ffcv.fields.decoders import SimpleRGBImageDecoder
        from ffcv.loader import Loader, OrderOption
        from ffcv.transforms import ToTensor

        image, index = [SimpleRGBImageDecoder(), ToTensor()], [IntDecoder(), ToTensor()]
        loader = Loader(
            sys.argv[1], batch_size=7, num_workers=1, order=OrderOption.RANDOM, drop_last=False,
            pipelines={"image": image, "index": index, "label": None},
            os_cache=sys.argv[2] == "True", seed=1,
        )
        seen = {}
        for images, rows in loader:
            for image, row in zip(images.numpy(), rows.numpy()[:, 0]):
                assert (image == row).all()
                seen[int(row)] = True
        print(sorted(seen))
        """,
        tmp_path / "x.beton",
        os_cache,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        printed, errors = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        end(process)
        pytest.fail("FFCV's loader hangs on our file")
    assert printed.strip() == str(list(range(20))), errors


def test_a_killed_writer_leaves_nothing_that_looks_finished(tmp_path, image_folder):
    output = tmp_path / "out" / "x.beton"
    process = python(
        """
        import sys, time
        from pathlib import Path
        import fourlenses.data.beton.writer as beton_writer
        from fourlenses.data.sources.common import image_files as pictures
        from fourlenses.data.sources import image_folder as source
        from fourlenses.data.conversion.convert import write_beton

        beton_writer._BUFFER = 1  # so that something is in the file
        root, definition = Path(sys.argv[1]), {"source": "image_folder", "path": "animals"}
        manifest, content = source.index("animals", definition, root), pictures.content
        def slowly(file, dataset):
            if "val" in file.parts:
                time.sleep(60)
            return content(file, dataset)
        pictures.content = slowly
        import fourlenses.core.ordered_map as in_order
        in_order.CHUNK_ITEMS = 1
        write_beton(
            "animals", definition, root, manifest=manifest, variant="clean", size=40,
            max_undecodable=0.0, output=Path(sys.argv[2]), workers=1,
        )
        """,
        tmp_path,
        output,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not any(part.stat().st_size > PAGE_SIZE for part in output.parent.glob(".*.part")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (leftover,) = output.parent.iterdir()
    convert(tmp_path, tmp_path / "out" / "y.beton")
    assert leftover.exists()  # another file's, and alive
    (tmp_path / "out" / "y.beton").unlink()
    (tmp_path / "out" / "y.json").unlink()
    end(process)
    assert [file.name for file in output.parent.iterdir()] == [leftover.name]
    assert leftover.name.startswith(".x.beton.")
    with pytest.raises(UserError, match=r"no finished beton"):
        Beton(leftover)
    convert(tmp_path, output)
    assert sorted(file.name for file in output.parent.iterdir()) == ["x.beton", "x.json"]


def test_a_leftover_that_is_being_written_stays(tmp_path, image_folder):
    living = tmp_path / ".x.beton.abc.part"
    writer = BetonWriter(living, 1)
    convert(tmp_path, tmp_path / "x.beton")
    assert living.exists()
    writer.close()
    convert(tmp_path, tmp_path / "x.beton")
    assert not living.exists()


def test_the_checksum_is_that_of_the_file(tmp_path, image_folder):
    file = tmp_path / "x.beton"
    convert(tmp_path, file)
    assert content_sha256(file) == read_json(tmp_path / "x.json")["content_sha256"]
    with open(file, "r+b") as changed:
        changed.seek(PAGE_SIZE + 1000)
        changed.write(b"!")
    assert content_sha256(file) != read_json(tmp_path / "x.json")["content_sha256"]


@pytest.mark.parametrize("place", [PAGE_SIZE, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 20])
def test_a_page_of_zeros_is_found_before_anyone_relies_on_it(tmp_path, monkeypatch, place):
    def lose(descriptor):
        with open(tmp_path / "x.beton", "r+b") as file:
            file.seek(place)
            file.write(bytes(5000))

    monkeypatch.setattr(beton_writer.os, "fsync", lose)
    writer = BetonWriter(tmp_path / "x.beton", 20)
    for row in range(20):
        writer.add(
            np.full((600, 600, 3), row + 1, np.uint8), width=600, height=600, label=0, index=row
        )
    with pytest.raises(
        (AssertionError, UserError),
        match=r"not what was written|metadata|no finished beton|damaged|truncated",
    ):
        writer.close()


def test_disk_space_is_estimated_from_the_images(tmp_path, image_folder, monkeypatch):
    def free(mebibytes):
        monkeypatch.setattr(
            disk_space.shutil,
            "disk_usage",
            lambda path: shutil._ntuple_diskusage(0, 0, mebibytes << 20),
        )

    free(1)
    with pytest.raises(
        UserError,
        match=r"1.05 MB free, but at least 8.39 MB more are needed for x.beton; make room",
    ):
        convert(tmp_path, tmp_path / "out" / "x.beton")
    free(9)
    space = disk_space.DiskSpace(tmp_path / "x.beton", 1000)
    space.grown(255, PAGE_SIZE + 255 * 5000)  # too few to know
    with pytest.raises(UserError, match=r"9.44 MB free, but about 12.35 MB more are needed"):
        space.grown(256, PAGE_SIZE + 256 * 5000)  # 744 x 5000 x 1.05, 64 bytes each of 1000, a page
    space.grown(257, PAGE_SIZE + 257 * 5000)  # not asked every time
    assert list((tmp_path / "out").iterdir()) == []


def test_running_out_of_room_says_so_and_leaves_nothing(tmp_path, image_folder):
    process = python(
        """
        import resource, sys
        from pathlib import Path
        from fourlenses.data.sources.common import image_files as pictures
        from fourlenses.data.sources import image_folder as source
        from fourlenses.data.conversion.convert import write_beton

        root, definition = Path(sys.argv[1]), {"source": "image_folder", "path": "animals"}
        manifest = source.index("animals", definition, root)
        resource.setrlimit(resource.RLIMIT_FSIZE, (9 << 20, 9 << 20))
        write_beton(
            "animals", definition, root, manifest=manifest, variant="clean", size=40,
            max_undecodable=0.0, output=Path(sys.argv[2]), workers=1,
        )
        """,
        tmp_path,
        tmp_path / "out" / "x.beton",
        stderr=subprocess.PIPE,
    )
    _, errors = process.communicate(timeout=120)
    assert "UserError: no room for" in errors
    assert "x.beton after 48 of 48 images (File too large" in errors
    assert list((tmp_path / "out").iterdir()) == []


def test_memory_does_not_grow_with_the_images(tmp_path):
    """Peak memory over ten times as many images: positions of all, and a few images in flight."""
    data = jpeg_bytes(1, 500, 400, quality=95)
    code = """
        import resource, sys
        from pathlib import Path
        import pandas as pd
        from fourlenses.data.conversion import convert as write_beton
        count, data = int(sys.argv[2]), Path(sys.argv[3]).read_bytes()
        def images(*arguments, **keywords):
            return (bytes(bytearray(data)) for _ in range(count))
        write_beton.images_of_dataset = images
        names = [f"{number:06d}" for number in range(count)]
        manifest = pd.DataFrame({"id": names, "path": names, "split": "train", "level:class": "x"})
        write_beton.write_beton(
            "x", {}, Path(), manifest=manifest, variant="clean", size=400,
            max_undecodable=0.0, output=Path(sys.argv[1]), workers=2,
        )
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    """
    (tmp_path / "x.jpg").write_bytes(data)
    peaks = []
    for count in (300, 3000):
        process = python(
            code,
            tmp_path / "x.beton",
            count,
            tmp_path / "x.jpg",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        printed, _ = process.communicate(timeout=200)
        peaks.append(int(printed))
    assert (tmp_path / "x.beton").stat().st_size > 3000 * len(data)
    assert peaks[1] - peaks[0] < 25  # MiB, of a file that grew by a multiple of it
    assert 2700 * len(data) > 2 * (25 << 20)

"""The study of public image sets: addresses and sums, and archives of the same kinds, served."""

import hashlib
import inspect
import io
import re
import zipfile

import pytest
import torchvision

from fourlenses.config.read import ROOT, read_config
from fourlenses.data.download.download import download
from fourlenses.data.download.registry import Remote, published
from fourlenses.data.sources import image_folder
from fourlenses.export.licences import licences_of
from tests.helpers.downloads import QUICK
from tests.helpers.flaky_server import FlakyServer, hang_up
from tests.helpers.pictures import jpeg_bytes

FILE = ROOT / "studies" / "public.yaml"


def entries():
    return read_config([FILE])["datasets"]


def zipped(names):
    """Return a zip with a picture at every name that ends in .jpg or .JPEG, and else a text."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, name in enumerate(names):
            picture = name.lower().endswith((".jpg", ".jpeg"))
            archive.writestr(name, jpeg_bytes(number) if picture else "x 0 0 1 1\n")
    return buffer.getvalue()


def eurosat():
    kinds = ("AnnualCrop", "Forest", "SeaLake")
    return zipped([f"2750/{kind}/{kind}_{number}.jpg" for kind in kinds for number in range(10)])


def tiny_imagenet():
    root, kinds = "tiny-imagenet-200", ("n01443537", "n02124075", "n07920052")
    images = [
        f"{root}/train/{kind}/images/{kind}_{number}.JPEG" for kind in kinds for number in range(10)
    ]
    boxes = [f"{root}/train/{kind}/{kind}_boxes.txt" for kind in kinds]
    others = [
        f"{root}/{split}/images/{split}_{number}.JPEG"
        for split in ("val", "test")
        for number in range(5)
    ]
    tables = [f"{root}/wnids.txt", f"{root}/words.txt", f"{root}/val/val_annotations.txt"]
    return zipped([*images, *boxes, *others, *tables])


@pytest.mark.parametrize(
    ("name", "content", "classes"),
    [
        ("eurosat", eurosat(), {"AnnualCrop", "Forest", "SeaLake"}),
        (
            "tinyimagenet",
            tiny_imagenet(),
            {f"{kind}/images" for kind in ("n01443537", "n02124075", "n07920052")},
        ),
    ],
)
def test_an_archive_of_that_kind_is_downloaded_and_listed(tmp_path, name, content, classes):
    entry = entries()[name]
    target = tmp_path / entry["path"]
    with FlakyServer(content) as server:
        server.plan = [hang_up(500)]
        wanted = Remote(server.url, "md5", hashlib.md5(content).hexdigest())
        assert download(wanted, target, QUICK) is True
    assert target.read_bytes() == content
    manifest = image_folder.index(name, entry, tmp_path)
    assert set(manifest["level:class"]) == classes
    assert len(manifest) == 30
    assert set(manifest["split"]) == {"train", "test"}


def test_addresses_and_sums_are_torchvisions():
    wanted = {each.remote.url: each.remote.digest for each in declared()}
    text = inspect.getsource(torchvision.datasets.eurosat)
    (url,) = re.findall(r'"(https://\S+?)"', text.partition("download_and_extract_archive(")[2])
    (md5,) = re.findall(r'md5="(\w+)"', text)
    assert wanted[url] == md5
    for dataset in (torchvision.datasets.CIFAR10, torchvision.datasets.CIFAR100):
        assert wanted[published("cifar", dataset.filename).url] == dataset.tgz_md5


def declared():
    """Return all files that the study downloads, as the Snakefile knows them."""
    from fourlenses.config.read import complete_config, config_files, read_overlay, with_defaults

    config = with_defaults(read_overlay(FILE), ROOT)
    downloads = complete_config(config, ROOT, config_files([FILE], ROOT))
    return [wanted for files in downloads.values() for wanted in files]


def test_every_dataset_is_a_declared_download_with_its_terms():
    lens = read_config([FILE])["quantity"]
    datasets = {
        *lens["datasets"],
        *(name for more in lens["more"] for name in more.get("datasets", [])),
    }
    assert datasets == {"cifar10", "cifar100", "eurosat", "flowers102", "tinyimagenet"}
    assert len(declared()) == 7  # three of Flowers-102
    assert set(licences_of(entries())) >= datasets
    assert all(wanted.remote.url.startswith("https://") for wanted in declared())

"""The study of public image sets runs: its downloads, in their published form, from this machine.

Sums and addresses are those of small archives here, and the sizes are small; all else is the
study's own file.
"""

import functools
import hashlib
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
import yaml
from tests.data.sources.test_public_archives import FILE, eurosat, tiny_imagenet
from tests.helpers.layouts import generic
from tests.helpers.layouts.flowers102 import make_flowers102
from tests.workflow.test_whole import output_of, snakemake

LENS = {
    "pretrain_images": ["all"],
    "labelled_images": ["all"],
    "protocols": ["linear"],
    "convergence": [],
    "baselines": [],
    "more": [],
}
DATASETS = ("cifar10", "cifar100", "eurosat", "flowers102", "tinyimagenet")


@pytest.fixture
def published(tmp_path):
    """Serve the five sets on a small scale; yield the folder and the address."""
    folder = tmp_path / "published"
    for classes in (10, 100):
        definition, raw = generic.cifar(tmp_path / f"cifar{classes}", classes, "python")
        folder.mkdir(exist_ok=True)
        shutil.copy(raw / definition["path"], folder)
    make_flowers102(folder)
    (folder / "EuroSAT.zip").write_bytes(eurosat())
    (folder / "tiny-imagenet-200.zip").write_bytes(tiny_imagenet())

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def small_study(tmp_path, folder, address, measured):
    """Write the study with these downloads; accuracies of ``measured`` alone."""
    study = yaml.safe_load(FILE.read_text(encoding="utf-8"))

    def remote(name):
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        return {"url": f"{address}/{name}", "sha256": digest}

    for name, entry in study["datasets"].items():
        assert entry["download"]
        if name == "flowers102":
            files = ("102flowers.tgz", "imagelabels.mat", "setid.mat")
            entry |= {"download": [remote(f"flowers/{file}") for file in files], "verify": False}
        else:
            entry["download"] = remote(entry["path"])
    study |= {"seeds": [0], "raw_data": "raw", "image_size": 16, "stored_size": 16}
    study["methods"]["simclr"] |= {"epochs": 1, "batch_size": 8, "warmup_epochs": 0}
    study["quantity"] = LENS | {"datasets": measured}
    file = tmp_path / "public.yaml"
    file.write_text(yaml.safe_dump(study), encoding="utf-8")
    return file


def test_all_of_them_are_downloaded_and_converted_and_one_is_measured(published, tmp_path):
    folder, address = published
    all_sets = small_study(tmp_path, folder, address, list(DATASETS))
    result = snakemake(tmp_path, "betons", config=all_sets)
    assert result.returncode == 0, output_of(result)[-4000:]
    for name in DATASETS:
        assert list((tmp_path / "data" / name).rglob("*.beton")), name
    assert (tmp_path / "raw" / "flowers102" / "setid.mat").is_file()

    one = small_study(tmp_path, folder, address, ["flowers102"])
    result = snakemake(tmp_path, "results/public/metrics.csv", config=one)
    assert result.returncode == 0, output_of(result)[-4000:]
    table = pd.read_csv(tmp_path / "results" / "public" / "metrics.csv")
    assert set(table["target"]) == {"flowers102"}
    assert set(table["method"]) == {"random", "simclr"}
    assert set(table["n_test"]) == {15}

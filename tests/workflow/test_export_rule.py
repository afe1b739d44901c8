"""`snakemake export` of a finished study: nothing is trained, and the folder is read again."""

import shutil

import onnxruntime
import timm
import torch
from tests.export.test_folder import NAME, features, findings_of, measured
from tests.helpers.runs import go, settings
from tests.workflow.test_report_rule import jobs
from tests.workflow.test_whole import output_of, snakemake, write_config


def finished_study(folder, dataset):
    """Put the files of a finished study there: an encoder, the table, what was found."""
    results = folder / "results" / "tiny"
    go(dataset, "run", settings(backbone="resnet18", steps=1, epochs=None))
    (results / "pretrain" / NAME).parent.mkdir(parents=True)
    shutil.copytree(dataset / "run", results / "pretrain" / NAME)
    measured(dataset)
    for file in ("metrics.csv", "findings.json", "decision.json"):
        shutil.copyfile(dataset / file, results / file)
    findings_of(results / "metrics.csv")
    return results


def test_a_finished_study_is_exported(tmp_path, dataset):
    folder = tmp_path / "study"
    folder.mkdir()
    config = write_config(folder, lenses=["quantity"])
    results = finished_study(folder, dataset)
    exported = results / "export" / NAME
    targets = [f"results/tiny/export/{NAME}/{file}" for file in ("README.md", "model.onnx")]
    result = snakemake(folder, *targets, config=config)
    assert result.returncode == 0, output_of(result)[-3000:]
    assert jobs(result) == {"export_encoder": 1, "write_onnx": 1, "total": 2}
    images, expected = features(results / "pretrain" / NAME)
    network = timm.create_model(f"local-dir:{exported}", pretrained=True).eval()
    with torch.inference_mode():
        assert torch.equal(network(images), expected)
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    (answer,) = session.run(None, {"images": images.numpy()})
    assert abs(answer - expected.numpy()).max() <= 1e-5
    text = (exported / "README.md").read_text(encoding="utf-8")
    assert "| animals, fine | 1,000 | linear | 41.5 (40.5 to 42.5) | 20.0 |" in text


def test_export_is_of_every_trained_encoder(tmp_path):
    config = write_config(tmp_path, lenses=["quantity"])
    planned = jobs(snakemake(tmp_path, "export", "-n", "--quiet", "host", config=config))
    # simclr of 16, of all, and of all at half the steps; not the untrained encoder
    assert planned["export_encoder"] == planned["pretrain"] - 1
    assert "write_onnx" not in planned
    planned = jobs(snakemake(tmp_path, "export_onnx", "-n", "--quiet", "host", config=config))
    assert planned["write_onnx"] == planned["export_encoder"]

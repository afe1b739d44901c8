import copy
import re
from pathlib import Path

import pytest
import yaml

from fourlenses.config.check import check_config
from fourlenses.core.errors import UserError
from fourlenses.data.sources import SOURCES
from fourlenses.study.corruptions import CORRUPTIONS

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"
DEFAULT = ROOT / "config.yaml"
SCHEMAS = list((ROOT / "schemas" / "sources").glob("*.yaml"))


def merged(overlay: dict, base: dict | None = None) -> dict:
    """As Snakemake merges: dictionaries deeply, everything else replaced."""
    base = copy.deepcopy(yaml.safe_load(DEFAULT.read_text())) if base is None else base
    for key, value in overlay.items():
        base[key] = (
            merged(value, base[key])
            if isinstance(value, dict) and isinstance(base.get(key), dict)
            else value
        )
    return base


def downloaded(download: object) -> dict:
    return {
        "datasets": {"mine": {"source": "image_folder", "path": "mine.tar", "download": download}}
    }


@pytest.mark.parametrize(
    "study", [DEFAULT, *sorted((ROOT / "studies").glob("*.yaml"))], ids=lambda file: file.stem
)
def test_shipped_studies_are_valid(study):
    check_config(merged(yaml.safe_load(study.read_text())), SCHEMA, [DEFAULT, study])


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            {"image_sise": 32},
            r"overlay.yaml: unknown key 'image_sise' \(did you mean 'image_size'\?\); "
            "allowed here: alternatives, augmentations, backbone",
        ),
        (
            {"backbone": "resnet19"},
            r"overlay.yaml: key 'backbone' is 'resnet19' \(did you mean 'resnet18'\?\); "
            "allowed: resnet_small",
        ),
        (
            {"quality": {"corruptions": ["jpeg11"]}},
            r"key 'quality.corruptions.0' is 'jpeg11' \(did you mean 'jpeg10'\?\); "
            "allowed: salt_and",
        ),
        ({"seeds": "0"}, r"overlay.yaml: key 'seeds' is '0'; allowed: a list$"),
        ({"seeds": []}, r"overlay.yaml: key 'seeds' is \[\]; allowed: a list of 1 item or more$"),
        ({"seeds": [1, 1]}, r"'seeds' is \[1, 1\]; allowed: a list in which nothing is twice$"),
        (
            {"methods": {"simclr": {"epochs": "two"}}},
            r"overlay.yaml: key 'methods.simclr.epochs' is 'two'; allowed: a number$",
        ),
        (
            {"evaluation": {"validation_fraction": 2}},
            r"key 'evaluation.validation_fraction' is 2; allowed: less than 1$",
        ),
        (
            {"datasets": {"CUB-200": {"source": "image_folder", "path": "x"}}},
            r"overlay.yaml: key 'datasets' has an entry named 'CUB-200'; allowed: a lower-case "
            r"letter, .*, such as cub_200$",
        ),
        (
            {"methods": {"1st": {"preset": "minutes"}}},
            r"overlay.yaml: key 'methods' has an entry named '1st'; .* or underscores$",
        ),
        ({"max_undecodable": -1}, r"key 'max_undecodable' is -1; allowed: 0 or more$"),
        ({"study": "My study"}, r"'study' is 'My study'; allowed: a lower-case letter, then "),
        ({"device": "gpu"}, r"key 'device' is 'gpu'; allowed: auto, cpu, cuda or a device such as"),
        (
            {"image_size": 64},
            r"overlay.yaml: key 'image_size' is 64, more than stored_size \(32\), so images would "
            r"be enlarged; set stored_size to 64 or more, or image_size to 32$",
        ),
        (
            {"quantity": {"pretrain_images": [1.5]}},
            r"key 'quantity.pretrain_images.0' is 1.5; allowed: a whole number",
        ),
        (
            {"datasets": {"mine": {"source": "image_folder"}}},
            r"overlay.yaml: key 'datasets.mine' lacks 'path'",
        ),
        (
            {"datasets": {"mine": {"source": "image_folder", "path": "x", "domain": "y"}}},
            r"unknown key 'datasets.mine.domain'",
        ),
        (
            {"datasets": {"mine": {"source": "folder"}}},
            r"key 'datasets.mine.source' is 'folder' \(did you mean 'image_folder'\?\)",
        ),
        (
            downloaded({"url": "https://example.org/a.tar"}),
            r"overlay.yaml: key 'datasets.mine.download' lacks 'sha256'",
        ),
        (downloaded({"md5": "0" * 32}), r"key 'datasets.mine.download' lacks 'url'"),
        (
            downloaded({"url": "file:///etc/passwd", "md5": "0" * 32}),
            r"key 'datasets.mine.download.url' is 'file:///etc/passwd'",
        ),
        (
            downloaded({"url": "http://example.org/a", "md5": "0" * 32}),
            r"key 'datasets.mine.download.url' is 'http://example.org/a'",
        ),
        (
            downloaded([{"url": "https://example.org/a.tar", "sha256": "0" * 32}]),
            r"key 'datasets.mine.download.0.sha256' is '0000",
        ),
        (
            downloaded({"url": "https://example.org/a", "sha265": "0" * 64}),
            r"'datasets.mine.download.sha265' \(did you mean 'sha256'\?\)",
        ),
        (downloaded("yes"), r"key 'datasets.mine.download' is 'yes'"),
        ({"datasets": {"objects": {"download": True}}}, r"unknown key 'datasets.objects.download'"),
        (
            {"quantity": {"equal": "step"}},
            r"key 'quantity.equal' is 'step' \(did you mean 'steps'\?\); "
            "allowed: steps, epochs, both",
        ),
        (
            {"quantity": {"convergence": ["third"]}},
            r"key 'quantity.convergence.0' is 'third'.*; allowed: half, twice",
        ),
        (
            {"quantity": {"more": [{"equal": "steps"}]}},
            r"key 'quantity.more.0.equal' is 'steps'.*; allowed: epochs, both",
        ),
        (
            {"domain": {"baselines": ["supervised"]}},
            r"key 'domain.baselines.0' is 'supervised'.*; allowed: scratch, scratch_published",
        ),
        (
            {"domain": {"pool_controls": ["shares"]}},
            r"key 'domain.pool_controls.0' is 'shares' \(did you mean 'share'\?\)",
        ),
        (
            {"domain": {"concatenated": [["objects", {"dataset": "scenes", "seed": 3}]]}},
            r"key 'domain.concatenated.0.1.seed' is 3; allowed: next",
        ),
        (
            {"domain": {"concatenated": [["objects", {"dataset": "scenes", "methods": "moco"}]]}},
            r"'domain.concatenated.0.1.methods' \(did you mean 'method'",
        ),
        (
            {"domain": {"concatenated": [["objects", {"method": "moco", "seed": "next"}]]}},
            r"key 'domain.concatenated.0.1' lacks 'dataset'",
        ),
        (
            {"training": {"precison": "auto"}},
            r"overlay.yaml: unknown key 'training.precison' \(did you mean 'precision'\?\)",
        ),
    ],
)
def test_mistakes_name_file_key_found_and_allowed(tmp_path, overlay, message):
    file = tmp_path / "overlay.yaml"
    file.write_text(yaml.safe_dump(overlay))
    with pytest.raises(UserError, match=message):
        check_config(merged(overlay), SCHEMA, [DEFAULT, file])


def test_every_corruption_may_be_asked_for():
    check_config(merged({"quality": {"corruptions": list(CORRUPTIONS)}}), SCHEMA, [DEFAULT])


def test_every_key_is_read_by_something():
    """A key that nothing reads is a promise nobody keeps."""
    code = "".join(
        file.read_text()
        for folder in ("src", "rules", "workflow_scripts")
        for file in (ROOT / folder).rglob("*.*")
        if file.suffix in (".py", ".smk")
    )
    config = yaml.safe_load(DEFAULT.read_text())
    keys = set(config) | {
        key
        for section in ("evaluation", "quantity", "domain", "quality")
        for key in config[section]
    }
    keys |= {key for method in config["methods"].values() for key in method} | {
        key for recipe in config["augmentations"].values() for key in recipe
    }
    for source in (ROOT / "schemas" / "sources").glob("*.yaml"):
        keys |= set(yaml.safe_load(source.read_text())["properties"])
    unread = {
        key
        for key in keys
        if f'"{key}"' not in code and f".{key}" not in code and f"{key}:" not in code
    }
    assert unread == set()


def test_the_command_line_is_blamed_for_what_no_file_says():
    config = merged({"backbone": "resnet19"})
    with pytest.raises(
        UserError, match=r"^the command line \(--config\): key 'backbone' is 'resnet19'"
    ):
        check_config(config, SCHEMA, [DEFAULT])


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            {"crop_scale": [1.0, 0.2]},
            r"'augmentations.mine': .*crop_scale is a pair 0 < low <= high",
        ),
        ({"crop_scale": [0.2, 2.0]}, r"crop_scale is a share of the area, at most 1"),
        ({"jitter": [0.8, 0.8, 0.8, 0.9]}, r"hue\) at most 0.5"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_before_any_job(recipe, message):
    with pytest.raises(UserError, match=message):
        check_config(merged({"augmentations": {"mine": recipe}}), SCHEMA, [DEFAULT])


def test_the_datasets_of_the_documentation_are_valid():
    """There is an example of every source that reads files, and a schema of every source."""
    pages = [
        (ROOT / "docs" / page).read_text()
        for page in ("guide/downloads.md", "reference/sources.md", "reference/datasets.md")
    ]
    blocks = [
        block for page in pages for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    ]
    shown = {}
    for block in blocks:
        shown |= yaml.safe_load(block)["datasets"] if block.startswith("datasets:") else {}
    check_config(merged({"datasets": shown}), SCHEMA, [DEFAULT])
    assert {entry["source"] for entry in shown.values()} == set(SOURCES) - {"synthetic"}
    assert set(SOURCES) == {file.stem for file in SCHEMAS}


WRITTEN = {
    "max_undecodable: 1e-3": r"'max_undecodable' is '1e-3' \(YAML takes it for text; write "
    r"1.0e-3 or 0.001\); allowed: a number$",
    "methods: {simclr: {epochs: 2E2}}": r"write 2.0e\+2 or 200\); allowed: a number$",
    "study: no": r"'study' is False \(YAML reads yes, no, .* in quotes\); allowed: text$",
    "study: 2024-01-01": r"'study' is datetime.date.* \(put it in quotes\); allowed: text$",
    "seeds:": r"'seeds' is empty; allowed: a list$",
    "max_undecodable: .nan": r"overlay.yaml: key 'max_undecodable' is nan; allowed: a finite",
    "methods: {simclr: {epochs: .inf}}": r"'methods.simclr.epochs' is inf; allowed: a finite",
    "seeds: [0]\nstudy: a\nseeds: [1]": r"overlay.yaml:3: key 'seeds' is there twice",
    "domain: {more: [{methods: [a], methods: [b]}]}": r"yaml:1: key 'domain.more.0.methods' is",
    "seeds: [0, 010]": r"overlay.yaml:1: YAML takes 010 for an octal number, 8; write 10, or",
    "study: a\nstored_size: 032": r"yaml:2: YAML takes 032 for an octal number, 26; write 32, or",
    "domain: {pretrain_images: -0_7}": r"YAML takes -0_7 for an octal number, -7; write 7, or",
    "training: {max_minutes: 12:30}": r"YAML takes 12:30 for a number in sixtieths",
    "max_undecodable: 1:30.5": r"YAML takes 1:30.5 for a number in sixtieths",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_what_yaml_takes_for_something_else(tmp_path, text):
    file = tmp_path / "overlay.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=WRITTEN[text]):
        check_config(merged(yaml.safe_load(text)), SCHEMA, [DEFAULT, file])

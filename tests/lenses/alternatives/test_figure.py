"""The figure of the alternatives lens, with planted numbers."""

import json
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.lenses.alternatives import figure
from tests.helpers.figures import evidence_of, only
from tests.helpers.synthetic_metrics import row

LENS = "alternatives"


def rows():
    """Own SimCLR at two sizes, an external encoder, one continued, scratch and random."""
    made = []
    for labelled, more in ((100, 0.0), (1000, 10.0)):
        for method, source, top1, protocol in (
            ("simclr", "a-1000", 40.0, "linear"),
            ("simclr", "a-10000", 50.0, "linear"),
            ("simclr", "a-10000", 55.0, "fine_tune"),
            ("simclr", "b-10000", 45.0, "linear"),
            ("external", "rn50", 60.0, "linear"),
            ("external", "rn50", 58.0, "knn"),
            ("simclr_continued", "a-10000.from_rn50", 65.0, "linear"),
            ("supervised", f"a-{labelled}", 30.0, "scratch"),
            ("random", "none", 10.0, "linear"),
            ("random", "none", 9.0, "knn"),
        ):
            made.append(
                row(LENS, method, source, "a", top1 + more, protocol=protocol)
                | {"labelled_images": labelled}
            )
    return made


def test_what_is_drawn(tmp_path):
    drawn, numbers = figure.draw(evidence_of(tmp_path, rows()))
    at_most = numbers[numbers["labelled_images"] == 1000]
    assert list(at_most["series"]) == [
        *("own", "own", "downloaded", "downloaded", "continued", "scratch", "random"),
    ]
    assert only(at_most, series="own", protocol="linear").source == "a-10000"  # the largest
    assert only(at_most, series="downloaded", protocol="knn").top1 == 68.0
    assert only(at_most, series="scratch").pretrain_images == 0
    (scratch,) = [line for line in drawn.axes[0].lines if line.get_label() == "from scratch"]
    assert list(scratch.get_xdata()) == [100, 1000]  # one line over the label sizes
    assert only(at_most, series="continued").method == "simclr_continued"
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels[:2] == ["own SimCLR", "downloaded: rn50"]
    assert {"from scratch", "random encoder", "linear", "fine-tuned", "nearest neighbours"} < {
        *labels
    }


def test_networks_and_lengths_that_are_not_those_of_own_pretraining_have_a_line(tmp_path):
    """A continued encoder has the download's network and pixels, and few steps."""
    made = [
        entry
        | {"steps": 200 if entry["method"] == "simclr_continued" else 1250}
        | {"backbone": "timm:lite0" if entry["method"] == "external" else "resnet18"}
        | {"image_size": 224 if entry["method"] == "external" else 32}
        for entry in rows()
    ]
    drawn, _ = figure.draw(evidence_of(tmp_path, made))
    said = " ".join(text.get_text().replace("\n", " ") for text in drawn.texts)
    assert "planted · SimCLR, ResNet-18, 32 px, 1,250 steps · " in said
    assert "rn50 (lite0, 224 px) · continued for 200 steps" in said


def test_a_target_that_a_download_has_seen_says_so_in_its_title(tmp_path):
    evidence = evidence_of(tmp_path, rows())
    assert figure.draw(evidence)[0].axes[0].get_title() == "a"
    declared = {"rn50": {"architecture": "torchvision:resnet50", "labels_of": ["a"]}}
    (Path(evidence.metrics.attrs["path"]).parent / "encoders.json").write_text(json.dumps(declared))
    assert figure.draw(evidence)[0].axes[0].get_title() == "a\n(seen by rn50)"


def test_labels_per_class_are_the_axis_where_all_labels_were_drawn_so(tmp_path):
    per_class = [one | {"labels_per_class": one["labelled_images"] // 10} for one in rows()]
    drawn, numbers = figure.draw(evidence_of(tmp_path, per_class))
    assert set(numbers["labels_per_class"]) == {10, 100}
    assert drawn.axes[0].get_xlabel() == "labelled images per class"
    mixed = [*per_class[:10], *rows()[10:]]
    drawn, _ = figure.draw(evidence_of(tmp_path, mixed))
    assert drawn.axes[0].get_xlabel() == "labelled images"


def test_external_encoders_have_colours_of_their_own(tmp_path):
    other = [row(LENS, "external", "vit", "a", 70.0, protocol="linear")]
    _, numbers = figure.draw(evidence_of(tmp_path, [*rows(), *other]))
    colours = figure.encoder_colours(numbers)
    assert len(set(colours.values())) == 2


def test_nothing_to_show_is_a_sentence(tmp_path):
    of_another_domain = [row(LENS, "simclr", "b-1000", "a", 40.0)]
    with pytest.raises(UserError, match="add `methods` or `encoders`"):
        figure.draw(evidence_of(tmp_path, of_another_domain))

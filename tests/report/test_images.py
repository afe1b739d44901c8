"""Sections of images and of classes: there with their files, one line each without."""

import pytest
from PIL import Image

from fourlenses.report import page as page_of
from tests.helpers.report_pages import Page, make_study, written

CLASSES = """\
target,protocol,method,source,corruption,labelled_images,runs,class,n_test,top1
a,linear,simclr,a-100,none,100,2,x,10,40.00
a,linear,simclr,a-100,none,100,2,<y>,30,80.00
a,linear,simclr,b-100,none,100,2,x,10,10.00
a,linear,simclr,b-100,none,100,2,<y>,30,10.00
a,scratch,supervised,none,none,100,2,x,10,60.00
a,scratch,supervised,none,none,100,2,<y>,30,50.00
"""
CONFUSIONS = """\
target,protocol,method,source,corruption,labelled_images,class,taken_for,n_test,errors,share
a,linear,simclr,a-100,none,100,x,<y>,10,6.0,60.0
a,linear,simclr,b-100,none,100,<y>,x,30,27.0,90.0
"""
MATRICES = """\
target,protocol,method,source,corruption,labelled_images,level,level_depth,class,taken_for,n_test,share
a,linear,simclr,a-100,none,100,kind,0,<k>,<k>,30,75.0
a,linear,simclr,a-100,none,100,kind,0,<k>,l,30,25.0
a,linear,simclr,a-100,none,100,kind,0,l,l,10,99.6
a,linear,simclr,a-100,none,100,kind,0,l,<k>,10,0.4
a,linear,simclr,a-100,none,100,class,1,x,x,10,40.0
a,linear,simclr,a-100,none,100,class,1,x,<y>,10,60.0
a,linear,simclr,a-100,none,100,class,1,<y>,<y>,30,100.0
a,linear,simclr,b-100,none,100,class,1,<y>,x,30,90.0
"""


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study")


def add_pictures(study, *names):
    folder = study / "results" / "planted" / "pictures"
    folder.mkdir()
    for name in names:
        Image.new("RGB", (300, 200), "red").save(folder / f"{name}.webp")
    return folder


def test_without_files_each_section_is_one_line(study):
    page = Page(written(study))
    assert (
        "Pictures of images and of nearest neighbours are not there. Made by snakemake" in page.text
    )
    assert (
        "Accuracy of each class and confused classes are not there. Made by snakemake" in page.text
    )
    assert "images" not in page.ids
    assert "classes" not in page.ids


def test_pictures_are_embedded_and_described(study):
    folder = add_pictures(study, "images_a", "neighbours_a", "map_a")
    (folder / "neighbours_a.csv").write_text(
        "target,encoder,queries,searched,neighbours,same_class,map_variance\n"
        "a,SimCLR on a,5,9,5,62.5,31.4\n"
    )
    page = Page(written(study))
    assert page.ids.count("images") == 1
    photos = [element for element in page.elements if element.get("class") == "photos"]
    assert [photo["width"] for photo in photos] == ["300"] * 3
    assert all(photo["src"].startswith("data:image/webp;base64,") for photo in photos)
    assert "Training images of a: clean, augmented" in photos[0]["alt"]
    assert "SimCLR on a 62.5 %" in photos[1]["alt"]
    assert "Variance in the plane: SimCLR on a 31.4 %" in photos[2]["alt"]
    assert "Pictures of images" not in page.text


def test_pictures_beyond_the_room_of_a_page_are_named(study, monkeypatch):
    folder = add_pictures(study, "images_a", "images_b")
    for name in ("a", "b"):
        Image.effect_noise((300, 200), 90).convert("RGB").save(folder / f"images_{name}.webp")
    whole = written(study)
    assert "For want of room" not in whole
    monkeypatch.setattr(page_of, "MOST_BYTES", len(whole.encode()) - 100)
    html = written(study)
    assert "For want of room not here: images_b.webp." in Page(html).text
    assert len(html.encode()) <= page_of.MOST_BYTES


def test_classes_compare_the_best_pretraining_with_the_labels_alone(study):
    results = study / "results" / "planted"
    (results / "classes.csv").write_text(CLASSES)
    (results / "confusions.csv").write_text(CONFUSIONS)
    page = Page(written(study))
    # the encoder on a: 70 % of the test images; that on b: 10 %
    assert "Confused by SimCLR on a 100, linear." in page.text
    assert "x <y> 60 % 10" in page.text
    assert "90 %" not in page.text
    assert "x 10 60.0 40.0 -20.0 <y> 30 50.0 80.0 +30.0" in page.text
    labels = [element.get("aria-label", "") for element in page.elements]
    assert "SimCLR on a 100, linear is more accurate than from scratch on 1 of 2 classes" in labels


def test_a_heat_map_for_each_level_says_what_is_taken_for_what(study):
    results = study / "results" / "planted"
    (results / "classes.csv").write_text(CLASSES)
    without = Page(written(study))
    (results / "confusion_matrices.csv").write_text(MATRICES)
    page = Page(written(study))
    labels = [element.get("aria-label", "") for element in page.elements]
    kinds, classes = (label for label in labels if "% right, as a mean" in label)
    assert kinds == (
        "Confusions on a at the level kind: 87 % right, as a mean over 2 labels. Most: <k> for l "
        "25.0 %; l for <k> 0.4 %."
    )
    assert "Most: x for <y> 60.0 %." in classes
    assert "25 % of <k> taken for l" in page.text
    assert "100 % of l right" in page.text
    assert "0 % of l taken for" not in page.text  # below one percent
    assert "90 % of <y>" not in page.text  # of another encoder
    assert sum(element.get("class") == "heat" for element in page.elements) == 2
    assert not any(element.get("class") == "heat" for element in without.elements)

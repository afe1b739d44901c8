"""Sections of images and of classes: there with their files, one line each without."""

import pytest
from PIL import Image

from fourlenses.report import pictures
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
    folder = add_pictures(study, "images_a", "neighbours_a")
    (folder / "neighbours_a.csv").write_text(
        "target,encoder,queries,searched,neighbours,same_class\na,SimCLR on a,5,9,5,62.5\n"
    )
    page = Page(written(study))
    assert page.ids.count("images") == 1
    photos = [element for element in page.elements if element.get("class") == "photos"]
    assert [photo["width"] for photo in photos] == ["300", "300"]
    assert all(photo["src"].startswith("data:image/webp;base64,") for photo in photos)
    assert "Training images of a: clean, augmented" in photos[0]["alt"]
    assert "SimCLR on a 62.5 %" in photos[1]["alt"]
    assert "Pictures of images" not in page.text


def test_pictures_beyond_the_room_of_a_page_are_named(study, monkeypatch):
    folder = add_pictures(study, "images_a", "images_b")
    monkeypatch.setattr(pictures, "MOST_EMBEDDED", (folder / "images_a.webp").stat().st_size + 10)
    page = Page(written(study))
    assert "For want of room not here: images_b.webp." in page.text


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

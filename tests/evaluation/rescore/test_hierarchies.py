"""Hierarchies that users bring: what they mean, and what is said of those that cannot be used."""

import logging

import pytest

from fourlenses.core.errors import UserError
from fourlenses.evaluation.rescore.hierarchies import read_hierarchy

CLASSES = ["ant", "bee", "cat", "dog"]
LEVELS = (
    "class,realm,kind,path\nbee,animal,insect,animal>insect>bee\n"
    "ant,animal,insect,animal>insect>ant\n"
)
LEVELS += "dog,animal,,animal>dog\ncat,animal,mammal,animal>mammal>feline>cat\n"
PARENTS = (
    "node,parent\nant,insect\nbee,insect\ncat,feline\nfeline,mammal\ndog,mammal\n"
    "insect,animal\nmammal,animal\nanimal,\noak,plant\n"
)


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "kinds.csv").write_text(text, encoding="utf-8")
        return tmp_path / "kinds.csv"

    return write


def named(hierarchy):
    """Per level, the label of each class."""
    return {
        level: [names[number] for number in hierarchy.table[:, column]]
        for column, (level, names) in enumerate(
            zip(hierarchy.names, hierarchy.classes, strict=True)
        )
    }


def test_a_level_table(table):
    hierarchy = read_hierarchy(table("# a comment\n" + LEVELS), CLASSES, ["realm", "kind"])
    assert named(hierarchy) == {
        "realm": ["animal"] * 4,
        "kind": ["insect", "insect", "mammal", "dog"],
        "class": CLASSES,
    }
    assert hierarchy.table[:, -1].tolist() == [0, 1, 2, 3]
    assert read_hierarchy(table(LEVELS), CLASSES).names == ["realm", "kind", "path", "class"]


def test_a_class_shallower_than_a_depth_keeps_its_own_label(table):
    expected = {
        0: ["animal"] * 4,
        1: ["insect", "insect", "mammal", "dog"],
        2: ["ant", "bee", "feline", "dog"],
        3: CLASSES,
        9: CLASSES,
    }
    levels = [f"path@{depth}" for depth in expected]
    levels_read = named(read_hierarchy(table(LEVELS), CLASSES, levels))
    assert levels_read == {
        **{f"path_depth{depth}": labels for depth, labels in expected.items()},
        "class": CLASSES,
    }


def test_a_parent_table(table):
    levels_read = named(read_hierarchy(table(PARENTS), CLASSES))
    assert levels_read == {
        "depth0": ["animal"] * 4,
        "depth1": ["insect", "insect", "mammal", "mammal"],
        "depth2": ["ant", "bee", "feline", "dog"],
        "depth3": CLASSES,
        "class": CLASSES,
    }
    assert list(named(read_hierarchy(table(PARENTS), CLASSES, ["depth1"]))) == ["depth1", "class"]


def test_several_roots_and_a_class_without_parents(table):
    text = "node,parent\nant,insect\nbee,insect\ncat,\ndog,pet\n"
    assert named(read_hierarchy(table(text), CLASSES))["depth0"] == [
        "insect",
        "insect",
        "cat",
        "pet",
    ]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        (LEVELS.replace("animal,mammal", "animal,pet|mammal"), "kind"),
        (PARENTS.replace("feline,mammal", "feline,pet\nfeline,mammal\npet,animal"), "depth1"),
        (PARENTS.replace("feline,mammal", "feline,pet|mammal\npet,animal"), "depth1"),
    ],
    ids=["levels", "parents in rows", "parents in a cell"],
)
def test_of_two_parents_the_first_is_kept_and_said(table, caplog, text, level):
    with caplog.at_level(logging.WARNING):
        assert named(read_hierarchy(table(text), CLASSES))[level][2] == "pet"
    assert "1 " in caplog.text
    assert "several parents; the first of each was taken" in caplog.text


def test_rows_of_other_classes_only_when_allowed(table):
    text = LEVELS + "eel,animal,fish,animal>fish>eel\n"
    with pytest.raises(
        UserError,
        match=r"1 of its rows are of no class that was predicted \('eel'\).*--other-classes",
    ):
        read_hierarchy(table(text), CLASSES)
    assert named(read_hierarchy(table(text), CLASSES, other_classes=True)) == named(
        read_hierarchy(table(LEVELS), CLASSES)
    )


@pytest.mark.parametrize(
    ("text", "levels", "message"),
    [
        (
            LEVELS.replace("bee,", "beee,", 1),
            [],
            r"1 of 4 classes have no row: 'bee' \(did you mean 'beee'\?\)",
        ),
        (
            "class,kind\nox,beast\n",
            [],
            "4 of 4 classes have no row: 'ant', 'bee', 'cat', 'dog'; add",
        ),
        (PARENTS.replace("dog,mammal\n", ""), [], "1 of 4 classes have no row: 'dog'"),
        (LEVELS + "ant,animal,fly,x\n", [], "class 'ant' has more than one row"),
        (PARENTS + "ant,insect\n", [], "node 'ant' has more than one row with the parent 'insect'"),
        (
            PARENTS.replace("animal,\n", "animal,feline\n"),
            [],
            "has a cycle.*: animal > mammal > feline > animal|feline > animal > mammal",
        ),
        (
            PARENTS.replace("dog,mammal", "dog,dog"),
            [],
            "has a cycle, so these have no depth: dog > dog",
        ),
        (
            PARENTS.replace("dog,mammal", "dog,cat"),
            [],
            "the class 'cat' is an ancestor of the class 'dog'",
        ),
        (
            LEVELS,
            ["knd"],
            r"has no level 'knd' \(did you mean 'kind'\?\); its levels: class, realm, kind, path",
        ),
        (LEVELS, ["path@x"], "has no level 'path@x'"),
        (PARENTS, ["depth4"], "has no level 'depth4'.*depth0, depth1, depth2, depth3"),
        ("class,kind\nant,insect,6\n", [], "the row of 'ant' has 3 cells, its header 2"),
        ("class,kind,kind\nant,a,b\n", [], "two columns of one name"),
        ("class\nant\n", [], "needs a header of at least two columns"),
        ("", [], "needs a header"),
        ('class,kind\nant,"insect\n', [], "cannot be read as comma-separated values"),
    ],
)
def test_what_cannot_be_used_is_named(table, text, levels, message):
    with pytest.raises(UserError, match=message):
        read_hierarchy(table(text), CLASSES, levels)


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "kinds.csv").write_bytes(b"class,kind\nant,\xff\xfe\n")
    with pytest.raises(UserError, match=r"kinds.csv cannot be read as .* UTF-8"):
        read_hierarchy(tmp_path / "kinds.csv", CLASSES)
    with pytest.raises(UserError, match=r"none.csv cannot be read"):
        read_hierarchy(tmp_path / "none.csv", CLASSES)

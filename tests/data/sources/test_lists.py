"""Lists of images made on other systems and by other programs."""

import unicodedata

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.dataset import index_dataset
from tests.helpers.trees import tree

PATHS = [f"photos/{kind}/{number}.jpg" for kind in ("cat", "dog") for number in range(4)]
ROWS = [(path, path.split("/")[1], "Train" if "0" not in path else "Test") for path in PATHS]


def index(tmp_path, **keys):
    definition = {
        "source": "csv_list",
        "path": "pets",
        "table": "list.csv",
        "split_column": "split",
        **keys,
    }
    return index_dataset("pets", definition, tmp_path)


def written(rows=ROWS, separator=",", end="\n", head="path,label,split"):
    lines = [head.replace(",", separator), *(separator.join(row) for row in rows)]
    return end.join(lines) + end


def changed(change):
    return [(change(path), label, split) for path, label, split in ROWS]


LISTS = {
    "as it should be": written().encode(),
    "CRLF": written(end="\r\n").encode(),
    "old Macintosh": written(end="\r").encode(),
    "a mark before UTF-8": b"\xef\xbb\xbf" + written().encode(),
    "UTF-16 with tabs, Excel's Unicode text": written(separator="\t").encode("utf-16"),
    "semicolons": written(separator=";").encode(),
    "semicolons and a mark and CRLF": b"\xef\xbb\xbf" + written(separator=";", end="\r\n").encode(),
    "Excel's sep=": b"sep=;\r\n" + written(separator=";", end="\r\n").encode(),
    "bars": written(separator="|").encode(),
    "spaces behind the commas": written(separator=", ").encode(),
    "rows of nothing at the end": (written() + ",,\n,,\n\n").encode(),
    "capitals in the header": written(head="Path,LABEL,Split").encode(),
    "quotes": written([(f'"{a}"', f'"{b}"', f'"{c}"') for a, b, c in ROWS]).encode(),
    "backslashes": written(changed(lambda path: path.replace("/", "\\"))).encode(),
    "a drive": written(changed(lambda path: "C:\\Users\\A B\\" + path.replace("/", "\\"))).encode(),
    "a drive with slashes": written(changed(lambda path: "D:/data/" + path)).encode(),
    "a share": written(changed(lambda path: "\\\\nas\\lab\\" + path.replace("/", "\\"))).encode(),
    "folders of another machine": written(changed(lambda path: "/home/a/data/" + path)).encode(),
    "dots": written(changed(lambda path: "./" + path)).encode(),
    "dots and backslashes": written(changed(lambda path: ".\\" + path.replace("/", "\\"))).encode(),
    "other capitals": written(changed(lambda path: path.upper())).encode(),
    "names alone": written(changed(lambda path: path.removeprefix("photos/"))).encode(),
}


@pytest.mark.parametrize("kind", ["directory", ".zip"])
@pytest.mark.parametrize("case", LISTS)
def test_lists_of_other_systems(tmp_path, case, kind):
    path = tree(tmp_path / "pets", PATHS, kind)
    (tmp_path / "list.csv").write_bytes(LISTS[case])
    manifest = index(tmp_path, path=path.name)
    assert dict(manifest["split"].value_counts()) == {"train": 6, "test": 2}
    assert sorted(manifest["path"]) == sorted(PATHS)
    for row in manifest.itertuples():
        assert row.path.split("/")[1] == row._asdict().get("_6", manifest["level:class"][row.Index])


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_umlauts_in_either_form(tmp_path, form, other):
    names = [f"B\u00e4r/{number} \u00dc.jpg" for number in range(6)]
    tree(tmp_path / "pets", [unicodedata.normalize(form, name) for name in names])
    rows = [(unicodedata.normalize(other, name), "B\u00e4r", "train") for name in names]
    rows[0] = (*rows[0][:2], "test")
    (tmp_path / "list.csv").write_text(written(rows), "utf-8")
    manifest = index(tmp_path)
    assert len(manifest) == 6
    assert "" not in set(manifest["path"])
    assert set(manifest["id"]) == set(names)


def test_a_list_that_is_not_utf8_finds_files_that_are(tmp_path):
    tree(tmp_path / "pets", ["B\u00e4r/0.jpg", "B\u00e4r/1.jpg"])
    rows = [("B\u00e4r/0.jpg", "a", "train"), ("B\u00e4r/1.jpg", "a", "test")]
    (tmp_path / "list.csv").write_bytes(written(rows).encode("cp1252"))
    assert "" not in set(index(tmp_path)["path"])


def test_two_files_that_differ_in_capitals_are_both_found(tmp_path):
    tree(tmp_path / "pets", ["a/x.jpg", "a/X.jpg", "a/y.jpg"])
    rows = [("a/x.jpg", "one", "train"), ("a/X.jpg", "two", "train"), ("a/y.jpg", "one", "test")]
    (tmp_path / "list.csv").write_text(written(rows))
    manifest = index(tmp_path)
    assert set(zip(manifest["id"], manifest["path"], strict=True)) == {
        (name, name) for name, _, _ in rows
    }


def test_a_backslash_in_a_name_is_a_backslash_where_it_is_one(tmp_path):
    tree(tmp_path / "pets", ["a\\x.jpg", "b.jpg"])
    (tmp_path / "list.csv").write_text(
        written([("a\\x.jpg", "one", "train"), ("b.jpg", "two", "test")])
    )
    assert set(index(tmp_path)["path"]) == {"a\\x.jpg", "b.jpg"}


def test_copies_that_a_system_keeps_are_not_the_images_listed(tmp_path):
    tree(tmp_path / "pets", [*PATHS, *(f".ipynb_checkpoints/{path}" for path in PATHS)])
    (tmp_path / "list.csv").write_text(written())
    assert sorted(index(tmp_path)["path"]) == sorted(PATHS)


def test_half_a_character_is_named(tmp_path):
    tree(tmp_path / "pets", PATHS)
    (tmp_path / "list.csv").write_bytes(written().encode("utf-16")[:-1])
    with pytest.raises(UserError, match=r"list.csv cannot be read as utf-16"):
        index(tmp_path)

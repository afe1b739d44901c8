import gzip
import hashlib
import logging

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.manifest.manifest import hierarchy_of, labels_of
from fourlenses.data.sources import inat21 as source
from tests.helpers.layouts import tar
from tests.helpers.layouts.imagenet_inat21 import TAXA, make_inat21
from tests.helpers.pictures import contents, jpeg_bytes


@pytest.fixture
def archives(tmp_path):
    return make_inat21(tmp_path / "archives", train=3, test=2)


@pytest.fixture
def folders(tmp_path):
    return make_inat21(tmp_path / "folders", train=3, test=2, extracted=True)


def index(made, **keys):
    definition, raw_data = made
    return source.index("inat", {**definition, **keys}, raw_data)


def images_of(made):
    definition, raw_data = made
    manifest = index(made)
    return dict(
        zip(
            manifest["id"],
            contents(source.images("inat", definition, raw_data, manifest=manifest, size=32)),
            strict=True,
        )
    )


def test_archives_and_folders_give_the_same_images_under_the_same_ids(archives, folders):
    one, other = index(archives), index(folders)
    columns = [column for column in one if column != "path"]
    sort = [
        table[columns].astype(str).sort_values("id", ignore_index=True) for table in (one, other)
    ]
    assert sort[0].equals(sort[1])
    assert f"train/{TAXA[0]}/00000000-0000.jpg" in set(one["id"])
    assert dict(one["split"].value_counts()) == {"train": 15, "test": 10}
    assert set(zip(one["width"], one["height"], strict=True)) == {(40, 36)}
    assert images_of(archives) == images_of(folders)


@pytest.mark.parametrize(
    "names", [{"train": "2021_train", "val": "2021_valid"}, {"train": "train", "val": "val"}]
)
def test_the_folders_may_have_torchvisions_names(archives, folders, names):
    root = folders[1] / "inat21"
    for old, new in names.items():
        (root / old).rename(root / new)
    assert images_of(archives) == images_of(folders)


def test_decompressed_archives_do(archives):
    before, root = images_of(archives), archives[1] / "inat21"
    for part in ("train", "val"):
        (root / f"{part}.tar").write_bytes(gzip.decompress((root / f"{part}.tar.gz").read_bytes()))
        (root / f"{part}.tar.gz").unlink()
    assert images_of(archives) == before


def test_train_mini(archives):
    root = archives[1] / "inat21"
    tar(
        root / "train_mini.tar.gz",
        {f"train_mini/{taxon}/a.jpg": jpeg_bytes(1) for taxon in TAXA},
        "w:gz",
    )
    manifest = index(archives, train="train_mini")
    assert dict(manifest["split"].value_counts()) == {"test": 10, "train": 5}
    assert f"train_mini/{TAXA[0]}/a.jpg" in set(manifest["id"])


def test_seven_ranks_and_taxa_of_one_name_stay_apart(archives):
    table = index(archives)
    hierarchy = hierarchy_of(table)
    assert hierarchy.names == list(source.TAXA)
    assert [len(classes) for classes in hierarchy.classes] == [2, 3, 4, 4, 4, 4, 5]
    assert hierarchy.classes[5] == [
        "Lumbricus",
        "Lygodium",
        "Oenanthe (Apiaceae)",
        "Oenanthe (Muscicapidae)",
    ]
    assert hierarchy.classes[6] == [
        "Lumbricus terrestris",
        "Lygodium japonicum",
        "Oenanthe isabellina",
        "Oenanthe oenanthe",
        "Oenanthe sarmentosa",
    ]
    assert labels_of(table).max() == 4


def test_names_shared_all_the_way_down():
    levels = source.taxonomy("inat", ["0_A_P_C_O_F_G_s", "1_B_P_C_O_F_G_s", "2_B_Q_C_O_F_G_s"])
    assert set(levels["phylum"].values()) == {"P (A)", "P (B)", "Q"}
    assert set(levels["class"].values()) == {"C (P (A))", "C (P (B))", "C (Q)"}
    assert len(set(levels["species"].values())) == 3


def test_the_numbers_of_a_complete_set_are_compared_and_a_difference_warned_about(
    archives, caplog, monkeypatch
):
    caplog.set_level(logging.INFO)
    taxa = {
        "kingdom": 2,
        "phylum": 4,
        "class": 4,
        "order": 4,
        "family": 4,
        "genus": 3,
        "species": 5,
    }
    monkeypatch.setattr(source, "TAXA", taxa)
    monkeypatch.setattr(source, "IMAGES", {"train": 15, "val": 11})
    index(archives)
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        "inat: 3 labels at rank 'phylum' (3 names), where iNaturalist 2021 has 4",
        "inat: 10 images in 'val', where iNaturalist 2021 has 11; is the download complete?",
    ]
    assert "inat: rank 'genus': 4 labels, of which several share one of the 3 names" in caplog.text


def test_a_beton_is_written_from_the_archives(archives, tmp_path):
    definition, raw_data = archives
    write_beton(
        "inat",
        definition,
        raw_data,
        manifest=index(archives),
        variant="clean",
        size=32,
        max_undecodable=0.0,
        output=tmp_path / "clean.beton",
        workers=1,
    )
    assert (tmp_path / "clean.json").exists()


def test_md5_sums_are_checked_and_named(archives, monkeypatch):
    root = archives[1] / "inat21"
    with pytest.raises(
        UserError,
        match=r"train.tar.gz has md5 \w{32}, expected e0526d53\w+: .*fetch it again, or set "
        r"'datasets.inat.verify'",
    ):
        index(archives, verify=True)
    sums = {
        name: hashlib.md5((root / name).read_bytes()).hexdigest()
        for name in ("train.tar.gz", "val.tar.gz")
    }
    monkeypatch.setattr(source, "MD5", sums)
    assert len(index(archives, verify=True)) == 25


def _only(root, part, taxa):
    tar(
        root / f"{part}.tar.gz",
        {f"{part}/{taxon}/{taxon[:5]}.jpg": jpeg_bytes(1) for taxon in taxa},
        "w:gz",
    )


@pytest.mark.parametrize(
    ("break_it", "keys", "message"),
    [
        (
            lambda root: None,
            {"train": "train_mini"},
            r"holds no 'train_mini' images of iNaturalist 2021; expected one of train_mini.tar.gz",
        ),
        (
            lambda root: _only(root, "val", TAXA[:4]),
            {},
            r"1 classes of .*train.tar.gz have no image in .*val.tar.gz, e.g. '09999_Plantae",
        ),
        (
            lambda root: _only(root, "train", TAXA[:4]),
            {},
            r"1 classes of .*val.tar.gz have no image in .*train.tar.gz",
        ),
        (
            lambda root: _only(root, "train", ["n01440764"]),
            {},
            r"class folder 'n01440764' is not named with a number and seven taxa",
        ),
        (
            lambda root: [
                _only(root, part, [TAXA[0], f"1{TAXA[0][1:]}"]) for part in ("train", "val")
            ],
            {},
            r"class folders '00000_\S+' and '10000_\S+' are named with the same taxa; keep one",
        ),
        (
            lambda root: (root / "train.tar.gz").write_bytes(
                (root / "train.tar.gz").read_bytes()[:5000]
            ),
            {},
            r"train.tar.gz is damaged or truncated after \d+ files \(EOFError: Compressed file "
            r"ended",
        ),
    ],
)
def test_mistakes(archives, break_it, keys, message):
    break_it(archives[1] / "inat21")
    with pytest.raises(UserError, match=message):
        index(archives, **keys)

"""The published datasets in their own on-disk layouts, with a few small images each.

Every builder writes into a folder and returns ``(definition, raw_data)``: an entry of `datasets`,
and the folder its path starts from.
"""

import io
from pathlib import Path

from fourlenses.data.manifest.wordnet import read_wordnet
from tests.helpers.layouts import tar, tree
from tests.helpers.pictures import jpeg_bytes

# tench and goldfish are fish; the two cranes share a name; the cat has two parents in WordNet
WNIDS = ["n01440764", "n01443537", "n02012849", "n03126707", "n02124075"]
TAXA = [
    "00000_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_Lumbricus_terrestris",
    "04000_Animalia_Chordata_Aves_Passeriformes_Muscicapidae_Oenanthe_oenanthe",
    "04001_Animalia_Chordata_Aves_Passeriformes_Muscicapidae_Oenanthe_isabellina",
    "08000_Plantae_Tracheophyta_Magnoliopsida_Apiales_Apiaceae_Oenanthe_sarmentosa",
    "09999_Plantae_Tracheophyta_Polypodiopsida_Schizaeales_Lygodiaceae_Lygodium_japonicum",
]


def make_imagenet(
    folder: Path, train: int = 12, test: int = 4, extracted: bool = False, wnids: list[str] = WNIDS
) -> tuple[dict, Path]:
    """Write ILSVRC2012 with some of its classes.

    A tar of class tars, the flat validation tar and the development kit, or these extracted.
    """
    root, numbers = folder / "imagenet", read_wordnet().numbers
    root.mkdir(parents=True)
    classes, val, truth = {}, {}, []
    for class_index, wnid in enumerate(wnids):
        classes[wnid] = {
            f"{wnid}_{number}.JPEG": jpeg_bytes(1000 * class_index + number)
            for number in range(train)
        }
    for number in range(test * len(wnids)):
        wnid = wnids[number % len(wnids)]
        truth.append(numbers[wnid])
        val[f"ILSVRC2012_val_{number + 1:08}.JPEG"] = jpeg_bytes(
            1000 * (number % len(wnids)) + 500 + number
        )
    ground_truth = "".join(f"{number}\n" for number in truth).encode()
    if extracted:
        for wnid, members in classes.items():
            tree(root / "train" / wnid, members)
        for (name, data), wnid in zip(val.items(), wnids * test, strict=True):
            tree(root / "val" / wnid, {name: data})
    else:
        inner = {}
        for wnid, members in classes.items():
            buffer = io.BytesIO()
            tar(buffer, members)
            inner[f"{wnid}.tar"] = buffer.getvalue()
        tar(root / "ILSVRC2012_img_train.tar", inner)
        tar(root / "ILSVRC2012_img_val.tar", val)
        kit = "ILSVRC2012_devkit_t12"
        members = {
            f"{kit}/readme.txt": b"",
            f"{kit}/data/ILSVRC2012_validation_ground_truth.txt": ground_truth,
        }
        tar(root / f"{kit}.tar.gz", members, "w:gz")
    return {"source": "imagenet", "path": "imagenet", "verify": False}, folder


def make_inat21(
    folder: Path, train: int = 12, test: int = 4, extracted: bool = False, taxa: list[str] = TAXA
) -> tuple[dict, Path]:
    """Write iNaturalist 2021 with some of its species.

    train.tar.gz and val.tar.gz, or these extracted.
    """
    root = folder / "inat21"
    root.mkdir(parents=True)
    for part, count, seed in (("train", train, 0), ("val", test, 500)):
        members = {}
        for class_index, taxon in enumerate(taxa):
            for number in range(count):
                members[f"{part}/{taxon}/{class_index:08x}-{number:04x}.jpg"] = jpeg_bytes(
                    1000 * class_index + seed + number
                )
        if extracted:
            tree(root, members)
        else:
            tar(root / f"{part}.tar.gz", members, "w:gz")
    return {"source": "inat21", "path": "inat21", "verify": False}, folder

"""What each lens asks for: which encoders, on which targets, with how many labels, how evaluated.

Standard library only: the Snakefile imports this module, and it is parsed again in every job.
"""

from collections.abc import Iterator

from fourlenses.core.errors import UserError, one_of
from fourlenses.study.corruptions import CORRUPTIONS, changes_nothing
from fourlenses.study.encoders import ALL, CLEAN, EQUAL_STEPS, Part, Run, derived
from fourlenses.study.sizes import (
    Quantity,
    derived_endings,
    images_of,
    largest_size,
    parts_of,
    reference_images,
)
from fourlenses.study.vocabulary import FEATURE_PROTOCOLS, RANDOM_INIT

NEXT = "next"  # of `seed` in an item of `domain.fused`
Enumerated = Iterator[tuple[Run, str, Quantity, str]]


def enumerate_lens(config: dict, lens: str, seed: int) -> Enumerated:
    """Run, target, labelled images and protocol of every cell that a lens looks at, for one seed.

    Raises:
        UserError: see `training_length.reference_images`.
    """
    return ENUMERATIONS[lens](config, config[lens], seed)


def _quantity(config: dict, lens: dict, seed: int) -> Enumerated:
    """Figures 2 and 3: in-domain pretraining at every quantity, every label size; supervised from
    scratch on the same labels.

    An entry of ``more`` is the lens once again with what it says instead: three methods on one
    dataset only, as in Figure 3. Derived entries (`training_length`) are beside the plain ones.
    """
    for part in parts_of(lens):
        for dataset in part["datasets"]:
            encoders = list(_encoders_of(config, part, dataset))
            for labelled in part["labelled_images"]:
                for method, images, protocols in encoders:
                    for protocol in protocols:
                        yield Run(method, f"{dataset}-{images}", seed), dataset, labelled, protocol
                yield from _from_scratch(part, dataset, labelled, seed)


def _encoders_of(
    config: dict, part: dict, dataset: str
) -> Iterator[tuple[str, Quantity, list[str]]]:
    """Method, size and protocols of the encoders of one dataset."""
    sizes, protocols = part["pretrain_images"], part["protocols"]
    on_features = [protocol for protocol in protocols if protocol in FEATURE_PROTOCOLS]
    for method in part["methods"]:
        yield from ((method, size, protocols) for size in sizes)
        for ending in derived_endings(part):
            name = derived(method, ending)
            if ending != EQUAL_STEPS:
                yield name, largest_size(part), on_features
            elif "steps" not in config["methods"][method]:
                most = reference_images(config)
                below = [size for size in sizes if images_of(config, dataset, size) < most]
                yield from ((name, size, protocols) for size in below)


def _domain(config: dict, lens: dict, seed: int) -> Enumerated:
    """Tables 1 to 3: every source dataset, pool of them, and set of encoders side by side, onto
    every target, all labels. Of each pool also what it is to be held against: in-domain images
    alone, as many as its share and as many as it has in all."""
    images, labelled, targets = lens["pretrain_images"], lens["labelled_images"], lens["datasets"]
    for method in lens["methods"]:
        runs = [Run(method, f"{dataset}-{images}", seed) for dataset in targets]
        runs += [Run(method, _pool(lens, pool), seed) for pool in pools_of(lens)]
        pairs = [(run, target) for run in runs for target in targets]
        pairs += [
            (Run(method, f"{dataset}-{size}", seed), dataset)
            for pool in pools_of(lens)
            for dataset in pool
            if dataset in targets
            for size in _control_sizes(lens, pool)
        ]
        for run, target in pairs:
            for protocol in lens["protocols"]:
                yield run, target, labelled, protocol
        for fused in lens["fused"]:
            run = Run.concatenated([_member(config, item, method, seed) for item in fused])
            for target in targets:
                for protocol in lens["protocols"]:
                    if protocol in FEATURE_PROTOCOLS:  # there is no one network to train
                        yield run, target, labelled, protocol
    for target in targets:
        yield from _from_scratch(lens, target, labelled, seed)


def pools_of(lens: dict) -> list[list[str]]:
    """Those with a dataset of the lens in them. An overlay with datasets of its own inherits the pools of the
    default study, which say nothing of them."""
    return [pool for pool in lens["pools"] if set(pool) & set(lens["datasets"])]


def _pool(lens: dict, pool: list[str]) -> str:
    return "+".join(f"{dataset}-{lens['pool_images']}" for dataset in pool)


def _control_sizes(lens: dict, pool: list[str]) -> list[Quantity]:
    share = lens["pool_images"]
    sizes = {"share": share, "total": ALL if share == ALL else share * len(pool)}
    return [sizes[control] for control in lens["pool_controls"]]


def _member(config: dict, item: str | dict, method: str, seed: int) -> Run:
    """One of the encoders that stand side by side."""
    item = {"dataset": item} if isinstance(item, str) else item
    if item.get("seed") == NEXT:
        seeds = config["seeds"]
        seed = seeds[(seeds.index(seed) + 1) % len(seeds)]
    source = f"{item['dataset']}-{config['domain']['pretrain_images']}"
    return Run(item.get("method", method), source, seed)


def _quality(config: dict, lens: dict, seed: int) -> Enumerated:
    """Figure 4: pretrain on corrupted images, evaluate on clean ones; contrastive beside
    supervised."""
    for dataset in lens["datasets"]:
        for corruption in [CLEAN, *lens["corruptions"]]:
            source = str(Part(dataset, str(lens["pretrain_images"]), corruption))
            for method in lens["methods"]:
                for protocol in lens["protocols"]:
                    yield Run(method, source, seed), dataset, lens["labelled_images"], protocol


def _granularity(config: dict, lens: dict, seed: int) -> Enumerated:
    """Figure 5: linear for contrastive, end to end from scratch for supervised, scored at every
    level of the hierarchy."""
    for dataset in lens["datasets"]:
        labelled = lens["labelled_images"]
        for method in lens["methods"]:
            run = Run(method, f"{dataset}-{lens['pretrain_images']}", seed)
            for protocol in lens["protocols"]:
                yield run, dataset, labelled, protocol
        yield from _from_scratch({"baselines": ["scratch"]}, dataset, labelled, seed)


def _from_scratch(settings: dict, dataset: str, labelled: Quantity, seed: int) -> Enumerated:
    for baseline in settings["baselines"]:
        yield Run("supervised", f"{dataset}-{labelled}", seed), dataset, labelled, baseline


ENUMERATIONS = {
    "quantity": _quantity,
    "domain": _domain,
    "quality": _quality,
    "granularity": _granularity,
}


def check_lens(config: dict, lens: str) -> None:
    """
    Raises:
        UserError: the lens names a dataset, method or corruption that is not defined, asks for more
            images than a dataset is defined to have, or for encoders side by side that are one.
    """
    settings = config[lens]
    _check(config, lens, settings)
    for place, entry in enumerate(settings.get("more", [])):
        _check(config, f"{lens}.more[{place}]", {**settings, **entry})
    if lens == "domain":
        _check_fused(config, settings)
        _check_controls(config, settings)


def _check(config: dict, lens: str, settings: dict) -> None:
    pools = [name for pool in (pools_of(settings) if "pools" in settings else []) for name in pool]
    fused = [
        item if isinstance(item, str) else item["dataset"]
        for one in settings.get("fused", [])
        for item in one
    ]
    for key, datasets in (
        ("datasets", settings["datasets"]),
        ("pools", pools),
        ("fused", fused),
    ):
        for dataset in datasets:
            if dataset not in config["datasets"]:
                wrong = one_of("dataset", dataset, config["datasets"])
                raise UserError(f"key '{lens}.{key}': {wrong}")
    for method in settings["methods"]:
        _check_method(config, f"{lens}.methods", method)
    for corruption in settings.get("corruptions", []):
        if corruption not in CORRUPTIONS:
            wrong = one_of("corruption", corruption, CORRUPTIONS)
            raise UserError(f"key '{lens}.corruptions': {wrong}")
        if changes_nothing(corruption, config["stored_size"]):
            raise UserError(
                f"key '{lens}.corruptions': '{corruption}' changes no image at stored_size: "
                f"{config['stored_size']}, to which the shortest side is shrunk anyway; raise "
                "'stored_size' or leave it out"
            )
    asked = [
        ("pretrain_images", [*settings["datasets"], *fused]),
        ("labelled_images", settings["datasets"]),
        ("pool_images", pools),
    ]
    for key, datasets in asked:
        sizes = settings.get(key, [])
        for size in sizes if isinstance(sizes, list) else [sizes]:
            for dataset in datasets:
                has = images_of(config, dataset, ALL)
                if size != ALL and has is not None and size > has:
                    raise UserError(
                        f"key '{lens}.{key}' asks for {size} images, but dataset '{dataset}' is "
                        f"defined with train_images: {has}; lower the one or raise the other"
                    )


def _check_method(config: dict, key: str, method: str) -> None:
    trained = [name for name in config["methods"] if name != RANDOM_INIT]
    if method not in trained:
        raise UserError(f"key '{key}': {one_of('method', method, trained)}")


def _check_fused(config: dict, lens: dict) -> None:
    for place, fused in enumerate(lens["fused"]):
        key = f"domain.fused[{place}]"
        for item in fused:
            if isinstance(item, dict) and "method" in item:
                _check_method(config, key, item["method"])
            if isinstance(item, dict) and "seed" in item and len(config["seeds"]) == 1:
                raise UserError(
                    f"key '{key}' asks for an encoder of the next seed, but key 'seeds' is "
                    f"{config['seeds']}; give it two seeds or more, or leave the encoder out"
                )
        for method in lens["methods"]:
            runs = [_member(config, item, method, config["seeds"][0]) for item in fused]
            if len(set(runs)) < len(runs):
                raise UserError(
                    f"key '{key}' names the encoder {max(runs, key=runs.count).name} twice; give "
                    "one of them another dataset, another `method`, or `seed: next`"
                )


def _check_controls(config: dict, lens: dict) -> None:
    """Equal-total controls need as many images of one dataset as a pool has in all."""
    key, share = "domain.pool_controls", lens["pool_images"]
    if "total" not in lens["pool_controls"]:
        return
    for pool in pools_of(lens):
        if share == ALL:
            raise UserError(
                f"key '{key}' has 'total', but with 'domain.pool_images: all' no dataset has as "
                "many images as a pool of it; leave 'total' out, or give a number"
            )
        for dataset in (name for name in pool if name in lens["datasets"]):
            has = images_of(config, dataset, ALL)
            if has is not None and has < share * len(pool):
                raise UserError(
                    f"key '{key}' has 'total': {share * len(pool)} images of '{dataset}' alone, as "
                    f"many as the pool {', '.join(pool)} has, but it is defined with train_images: "
                    f"{has}; lower 'domain.pool_images' or leave 'total' out"
                )

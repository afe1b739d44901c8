"""Requests of the domain lens (the paper's Tables 1 to 3).

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterator
from functools import partial

from fourlenses.config.encoders import check_encoder
from fourlenses.core.errors import UserError
from fourlenses.lenses.checks import check_datasets, check_method, check_section, check_sizes
from fourlenses.lenses.requests import Request, from_scratch, of_encoders
from fourlenses.study import ALL, Run
from fourlenses.study.datasets import check_targets, is_unlabelled, labelled, needs_labels
from fourlenses.study.sizes import Quantity, images_of
from fourlenses.study.vocabulary import FEATURE_PROTOCOLS

NEXT = "next"  # of `seed` in an item of `domain.concatenated`


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined, asks for more images than
    there are, or concatenates an encoder with itself."""
    check_section(config, "domain", lens)
    check_targets(config, "domain.datasets", lens["datasets"], others=True)
    pooled = [dataset for pool in pools_of(lens) for dataset in pool]
    concatenated = [
        item if isinstance(item, str) else item["dataset"]
        for items in lens["concatenated"]
        for item in items
        if isinstance(item, str) or "dataset" in item
    ]
    check_datasets(config, "domain.pools", pooled)
    check_datasets(config, "domain.concatenated", concatenated)
    check_sizes(config, "domain.pretrain_images", lens["pretrain_images"], datasets=concatenated)
    check_sizes(config, "domain.pool_images", lens["pool_images"], datasets=pooled)
    _check_concatenated(config, lens)
    _check_controls(config, lens)


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield every source dataset, pool and concatenation of encoders on every target.

    A dataset without labels is a source only.

    Of each pool also its controls: the target's images alone, as many as its share of the pool and
    as many as the pool has in all.
    """
    images, labels = lens["pretrain_images"], lens["labelled_images"]
    targets = labelled(config, lens["datasets"])
    for method in lens["methods"]:
        sources, pools = [[dataset] for dataset in lens["datasets"]], pools_of(lens)
        if needs_labels(method):  # an image without a label teaches it nothing
            sources = [some for some in sources if labelled(config, some)]
            pools = [pool for pool in pools if labelled(config, pool) == pool]
        runs = [Run(method, f"{dataset}-{images}", seed) for (dataset,) in sources]
        runs += [Run(method, _pool(lens, pool), seed) for pool in pools]
        pairs = [(run, target) for run in runs for target in targets]
        pairs += [
            (Run(method, f"{dataset}-{size}", seed), dataset)
            for pool in pools
            for dataset in pool
            if dataset in targets
            for size in _control_sizes(lens, pool)
        ]
        for run, target in pairs:
            for protocol in lens["protocols"]:
                yield Request(run, target, labels, protocol)
        # no one network could be trained
        on_features = [protocol for protocol in lens["protocols"] if protocol in FEATURE_PROTOCOLS]
        for items in lens["concatenated"]:
            encoders = [_encoder(config, item, method, seed=seed) for item in items]
            if any(map(partial(_learns_nothing, config), encoders)):
                continue
            run = Run.concatenated(encoders)
            for target in targets:
                for protocol in on_features:
                    yield Request(run, target, labels, protocol)
    for target in targets:
        encoders, protocols = lens["encoders"], lens["protocols"]
        yield from of_encoders(encoders, target, labels, protocols=protocols, seed=seed)
        yield from from_scratch(lens["baselines"], target, labels, seed=seed)


def pools_of(lens: dict) -> list[list[str]]:
    """Return the pools that hold a dataset of the lens.

    A study with datasets of its own inherits the pools of config.yaml, which are not about them.
    """
    return [pool for pool in lens["pools"] if set(pool) & set(lens["datasets"])]


def _pool(lens: dict, pool: list[str]) -> str:
    return "+".join(f"{dataset}-{lens['pool_images']}" for dataset in pool)


def _control_sizes(lens: dict, pool: list[str]) -> list[Quantity]:
    share = lens["pool_images"]
    sizes = {"share": share, "total": ALL if share == ALL else share * len(pool)}
    return [sizes[control] for control in lens["pool_controls"]]


def _encoder(config: dict, item: str | dict, method: str, *, seed: int) -> Run:
    """Return one of the encoders whose features are concatenated."""
    item = {"dataset": item} if isinstance(item, str) else item
    if "encoder" in item:
        return Run.external(item["encoder"], seed)
    if item.get("seed") == NEXT:
        seeds = config["seeds"]
        seed = seeds[(seeds.index(seed) + 1) % len(seeds)]
    source = f"{item['dataset']}-{config['domain']['pretrain_images']}"
    return Run(item.get("method", method), source, seed)


def _learns_nothing(config: dict, run: Run) -> bool:
    """Return whether a method that learns from labels is given images without."""
    dataset = run.source.partition("-")[0]
    return needs_labels(run.method) and is_unlabelled(config, dataset)


def _check_concatenated(config: dict, lens: dict) -> None:
    seeds = config["seeds"]
    for index, items in enumerate(lens["concatenated"]):
        key = f"domain.concatenated[{index}]"
        for item in items:
            if isinstance(item, dict) and "encoder" in item:
                check_encoder(config, key, item["encoder"])
            if isinstance(item, dict) and "method" in item:
                check_method(config, key, item["method"])
            if isinstance(item, dict) and "seed" in item and len(seeds) == 1:
                raise UserError(
                    f"key '{key}' asks for an encoder of the next seed, but key 'seeds' is "
                    f"{seeds}; give it two seeds or more, or leave the encoder out"
                )
        for method in lens["methods"]:
            runs = [_encoder(config, item, method, seed=seeds[0]) for item in items]
            if len(set(runs)) < len(runs):
                raise UserError(
                    f"key '{key}' names the encoder {max(runs, key=runs.count).name} twice; give "
                    "one of them another dataset, another `method`, or `seed: next`"
                )


def _check_controls(config: dict, lens: dict) -> None:
    """Check that a dataset alone has as many images as each of its pools, where that is asked."""
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
            defined = images_of(config, dataset, ALL)
            if defined is not None and defined < share * len(pool):
                raise UserError(
                    f"key '{key}' has 'total': {share * len(pool)} images of '{dataset}' alone, as "
                    f"many as the pool {', '.join(pool)} has, but it is defined with train_images: "
                    f"{defined}; lower 'domain.pool_images' or leave 'total' out"
                )

"""The keys to add to a study's config for a question that a card does not answer.

The least that answers it: the target alone, the method and the images that are there already, the
most labels. A lens that the study has keeps what it has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.lenses.domain.plan import pools_of
from fourlenses.study import ALL, Cell, Plan, Subset, entry_of, methods
from fourlenses.study.datasets import of_domain
from fourlenses.study.encoders import split_start
from fourlenses.study.sizes import Quantity, images_of
from fourlenses.study.vocabulary import EXTERNAL, FROM_SCRATCH

Overlay = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Own:
    """What a study has of a target.

    Attributes:
        target: the dataset evaluated on.
        method: entry of its own pretraining.
        images: the most of them, as the config has it.
        known: the same as a number.
        labels: numbers of labels, increasing.
        others: the other datasets that it evaluates on.
    """

    target: str
    method: str
    images: Quantity
    known: int
    labels: list[Quantity]
    others: list[str]


def own(plan: Plan, target: str, known: int) -> Own | None:
    """Return what a study has of a target; None where nothing was pretrained on its images.

    Args:
        plan: of the study.
        target: the dataset evaluated on.
        known: its most pretraining images, as counted.
    """
    cells = [cell for cell in plan.cells if cell.target == target and _is_own(cell)]
    if not cells:
        return None
    largest = max(cells, key=lambda cell: (_size(_images(cell)), -methods.rank(cell.run.method)[0]))
    labels = {_quantity(Subset.parse(cell.labelled).size) for cell in cells}
    targets = dict.fromkeys(cell.target for cell in sorted(plan.cells))
    return Own(
        target=target,
        method=largest.run.method,
        images=_images(largest),
        known=known,
        labels=sorted(labels, key=_size),
        others=[name for name in targets if name != target],
    )


def _is_own(cell: Cell) -> bool:
    run = cell.run
    source, start = split_start(run.source)
    return (
        cell.protocol not in FROM_SCRATCH
        and run.method != EXTERNAL
        and methods.is_contrastive(run.method)
        and entry_of(run.method) == run.method
        and not start
        and not {"@", "+", "~"} & set(source)
        and of_domain(source.rpartition("-")[0]) == cell.target
        and not Subset.parse(cell.labelled).per_class
    )


def _images(cell: Cell) -> Quantity:
    return _quantity(cell.run.source.rpartition("-")[2])


def _quantity(text: str) -> Quantity:
    return int(text) if text.isdigit() else text


def _size(quantity: Quantity) -> float:
    return float("inf") if quantity == ALL else float(quantity)


def overlay(question: str, config: dict, has: Own) -> Overlay | None:
    """Return the keys to add; None where a user has to choose something first, as an encoder.

    Args:
        question: a key of `findings.questions.QUESTIONS`.
        config: completed.
        has: what the study has of the target.
    """
    remedy = REMEDIES.get(question)
    return remedy(config, has) if remedy else None


def more_seeds(config: dict, count: int = LEAST_SEEDS) -> Overlay | None:
    """Return as many seeds as are asked, by default those that make answers of leanings; None where
    there are enough."""
    seeds = config["seeds"]
    others = [seed for seed in range(count + max(seeds)) if seed not in seeds]
    lacking = count - len(seeds)
    return {"seeds": [*seeds, *others[:lacking]]} if lacking > 0 else None


def laid_over(config: dict, keys: Overlay) -> dict:
    """Return the config with an overlay."""
    return {
        **config,
        **{
            key: {**config[key], **value} if isinstance(value, Mapping) else value
            for key, value in keys.items()
        },
    }


def _section(config: dict, lens: str, has: Own, *, keys: Overlay, new: Overlay) -> Overlay:
    """The section of a lens.

    Args:
        config: completed.
        lens: its name.
        has: what the study has of the target.
        keys: of the section, for the target alone. A lens that the study has gets them as an entry
            of `more`; where it has no such key, values are added to its lists.
        new: further keys where the study has not the lens, as config.yaml's are of its datasets.
    """
    keys = {"datasets": [has.target], "methods": [has.method], **keys}
    section = config[lens]
    if lens not in config["lenses"]:
        all_keys = {**keys, "labelled_per_class": [], **new}
        return {"lenses": [*config["lenses"], lens], lens: all_keys}
    if "more" in section:
        return {lens: {"more": [*section["more"], keys]}}
    added = {
        key: [*section[key], *(one for one in value if one not in section[key])]
        for key, value in keys.items()
        if isinstance(value, list)
    }
    return {lens: {key: value for key, value in added.items() if value != section[key]}}


def _contest(config: dict, has: Own) -> Overlay:
    keys: Overlay = {
        "pretrain_images": [has.images],
        "labelled_images": has.labels,
        "protocols": ["linear", "fine_tune"],
        "baselines": ["scratch"],
    }
    new = {"equal": "epochs", "convergence": [], "more": []}
    return _section(config, "quantity", has, keys=keys, new=new)


def _doubling(config: dict, has: Own) -> Overlay:
    half, most = has.known // 2, has.images
    if images_of(config, has.target, most) is None and "steps" not in config["methods"][has.method]:
        most = has.known  # equal steps are counted from a number
    keys: Overlay = {
        "pretrain_images": [half, most],
        "labelled_images": has.labels[-1:],
        "protocols": ["linear"],
        "baselines": [],
        "convergence": [],
    }
    return _section(config, "quantity", has, keys=keys, new={"equal": "steps", "more": []})


def _domain(config: dict, has: Own, **pools: Any) -> Overlay | None:
    """With one other dataset; None where the study has no other."""
    if not has.others:
        return None
    if "domain" in config["lenses"] and pools_of(config["domain"]):
        pools.pop("pool_images", None)  # of the pools that are there
    without: Overlay = {"pools": [], "pool_controls": [], "concatenated": [], "encoders": []}
    new = {
        **without,
        "pretrain_images": has.images,
        "labelled_images": has.labels[-1],
        "baselines": [],
        **pools,
    }
    lists = {key: value for key, value in pools.items() if isinstance(value, list)}
    datasets = [has.target, has.others[0]]
    keys = {"datasets": datasets, "protocols": ["linear"], **lists}
    found = _section(config, "domain", has, keys=keys, new=new)
    if "domain" in config["lenses"] and "pool_images" in pools:
        found["domain"]["pool_images"] = pools["pool_images"]
    return found


def _other_encoder(config: dict, has: Own) -> Overlay | None:
    return _domain(config, has)


def _pool(control: str) -> Callable[[dict, Own], Overlay | None]:
    def remedy(config: dict, has: Own) -> Overlay | None:
        pools = [[has.target, *has.others[:1]]]
        return _domain(
            config, has, pools=pools, pool_images=has.known // 2, pool_controls=[control]
        )

    return remedy


def _corruption(config: dict, has: Own) -> Overlay:
    keys: Overlay = {"protocols": ["linear"], "corruptions": config["quality"]["corruptions"]}
    new = {"pretrain_images": has.images, "labelled_images": has.labels[-1]}
    return _section(config, "quality", has, keys=keys, new=new)


def _download(config: dict, has: Own) -> Overlay | None:
    return _alternatives(config, has, encoders=list(config["encoders"]), continued=[])


def _continued(config: dict, has: Own) -> Overlay | None:
    entries = [name for name, entry in config["methods"].items() if entry.get("start")]
    starts = [config["methods"][name]["start"] for name in entries]
    encoders = list(dict.fromkeys(starts))
    return _alternatives(config, has, encoders=encoders, continued=entries)


def _alternatives(
    config: dict, has: Own, *, encoders: list[str], continued: list[str]
) -> Overlay | None:
    """None without an encoder to download: which one is for the user to say."""
    if not encoders:
        return None
    keys = {
        "pretrain_images": has.images,
        "labelled_images": has.labels,
        "encoders": encoders,
        "continued": continued,
        "protocols": ["linear", "fine_tune"],
        "baselines": ["scratch"],
    }
    return _section(config, "alternatives", has, keys=keys, new={"more": []})


REMEDIES: dict[str, Callable[[dict, Own], Overlay | None]] = {
    "contest": _contest,
    "doubling": _doubling,
    "other_encoder": _other_encoder,
    "added": _pool("share"),
    "pool": _pool("total"),
    "corruption": _corruption,
    "downloaded": _download,
    "download_or_labels": _download,
    "continued": _continued,
}

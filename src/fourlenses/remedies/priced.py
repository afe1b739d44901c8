"""Decision cards with the keys to add for what is not measured, and what that costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from fourlenses.config.placement import with_placement
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.findings.answer import conditions
from fourlenses.findings.answer.next_step import ADD
from fourlenses.findings.card import Card, NextStep, Unmeasured
from fourlenses.lenses.plan import make_plan
from fourlenses.remedies import overlays
from fourlenses.remedies.price import Price, Prices
from fourlenses.study.layout import Layout

# a study of another version, or one whose record was changed by hand, has no price
UNPLANNED = (UserError, OSError, KeyError, TypeError, ValueError, AttributeError)


def priced(cards: Sequence[Card], record: Path, *, images: Mapping[str, int]) -> list[Card]:
    """Return the cards with keys and prices, as far as they are known.

    Args:
        cards: of a study.
        record: its study.json, which may not be there.
        images: of each target the most pretraining images.
    """
    try:
        recorded = read_json(record)
        config = with_placement(recorded["config"]) | {"study": recorded["study"]}
        root = _root(record, Layout(config["study"], config["stored_size"]))
        prices, plan = Prices(config, root), make_plan(config)
    except UNPLANNED:
        return [*cards]
    few = conditions.few_seeds(len(config["seeds"]))
    seeds = _seeds(config, prices)
    with_prices = []
    for card in cards:
        warnings = [f"{one} {seeds}".strip() if one in few else one for one in card.warnings]
        has = overlays.own(plan, card.target, images.get(card.target, 0))
        entries = [_priced(one, config, has, prices=prices) for one in card.unmeasured]
        step = card.next_step and _step(card.next_step, entries, config, prices=prices)
        with_prices.append(replace(card, warnings=warnings, unmeasured=entries, next_step=step))
    return with_prices


def _seeds(config: dict, prices: Prices) -> str:
    """What more seeds cost; empty where that is not known, or there are enough."""
    keys = overlays.more_seeds(config)
    price = _price(config, keys, prices) if keys else None
    if not keys or not price:
        return ""
    file = f"studies/{config['study']}.yaml"
    return f"To add, write into {file}: {in_yaml(keys)[0]}; cost: {price.in_words()}."


def _step(
    step: NextStep, entries: Sequence[Unmeasured], config: dict, *, prices: Prices
) -> NextStep:
    """The next step at its price. entries: what is not measured, with prices."""
    if step.seeds is None:
        asked = [one for one in entries if [one.question] == step.answers]
        if step.step != ADD or not asked:
            return step
        return replace(step, cost=asked[0].cost, config=asked[0].config)
    keys = overlays.more_seeds(config, step.seeds)
    if not keys:
        return step
    price = _price(config, keys, prices)
    return replace(step, config=in_yaml(keys), cost=price.in_words() if price else step.cost)


def _price(config: dict, keys: overlays.Overlay, prices: Prices) -> Price | None:
    """Of an addition; None where it is not known, as of a pool of more images than the other
    dataset has."""
    try:
        return prices.of(overlays.laid_over(config, keys))
    except UNPLANNED:
        return None


def _root(record: Path, layout: Layout) -> Path:
    """The folder of data/ and results/."""
    return record.resolve().parents[len(Path(layout.study_record).parts) - 1]


def _priced(
    one: Unmeasured, config: dict, has: overlays.Own | None, *, prices: Prices
) -> Unmeasured:
    keys = overlays.overlay(one.question, config, has) if has else None
    if not keys:
        return one
    try:
        price = prices.of(overlays.laid_over(config, keys))
    except UNPLANNED:
        return one  # such as a pool of more images than the other dataset has
    cost = price.in_words() if price else one.cost
    return replace(one, config=in_yaml(keys), cost=cost)


def in_yaml(keys: Mapping[str, Any]) -> list[str]:
    """Return the keys as lines of a study's file: `quality: {datasets: [birds], …}`."""
    return [f"{key}: {_flow(value)}" for key, value in keys.items()]


def _flow(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False).strip()


def most_images(rows: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """Return of each target the most pretraining images of its own.

    Args:
        rows: target, source, and pretraining images.
    """
    most: dict[str, int] = {}
    for target, source, images in rows:
        if overlays.of_domain(source.rpartition("-")[0]) == target:
            most[target] = max(most.get(target, 0), int(images))
    return most

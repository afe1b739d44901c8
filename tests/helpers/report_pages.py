"""Studies with made-up results, and their reports as a browser would make them."""

import base64
import json
from html.parser import HTMLParser
from pathlib import Path

from fourlenses.report.page import write_report
from tests.helpers import synthetic_metrics as synthetic

VOID = {"meta", "img", "br", "hr", "link", "input"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Page(HTMLParser):
    """A page as a browser reads it; fails where a tag is not closed in its place.

    Attributes:
        tags: in the order of the page.
        elements: the attributes of each tag, in the same order.
        addresses: of links and pictures.
        tables: for each the number of cells of each row.
        text: all that is shown, words parted by one space.
    """

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.elements: list[dict[str, str]] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.tables: list[list[int]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.addresses += [
            value
            for name, value in attributes
            if name in ("src", "href", "srcset", "xlink:href", "action", "data", "poster")
        ]
        self.ids += [value for name, value in attributes if name == "id"]
        assert not [name for name, _ in attributes if name.startswith("on")]
        self.tags.append(tag)
        self.elements.append(dict(attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append(0)
        if tag in ("td", "th"):
            self.tables[-1][-1] += int(dict(attributes).get("colspan", 1))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()  # as only elements of an SVG are written so

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def named_as_the_pipeline_does(rows: list[dict]) -> list[dict]:
    return [{**row, "run": f"{row['method']}/{row['source']}/seed{row['seed']}"} for row in rows]


def make_study(folder: Path) -> Path:
    """A study of which only the table and two figures are there."""
    results = folder / "results" / "planted"
    (results / "figures").mkdir(parents=True)
    synthetic.write(results / "metrics.csv", named_as_the_pipeline_does(synthetic.planted()))
    (results / "figures" / "quantity.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (results / "figures" / "quantity.png").write_bytes(PIXEL)
    (results / "figures" / "quantity.csv").write_text("target,top1\na,40.123456\nb,60\n")
    (results / "figures" / "domain_pools.png").write_bytes(PIXEL)
    return folder


def written(folder: Path) -> str:
    results = folder / "results" / "planted"
    write_report(
        results / "metrics.csv",
        results,
        data=folder / "data",
        output=results / "report.html",
    )
    return (results / "report.html").read_text(encoding="utf-8")


def card_of(name: str, **changes: object) -> dict:
    """A decision card as the rule `findings` writes it, with ``name`` wherever a name stands."""
    line = {
        "question": "pool",
        "subject": name,
        "option": name,
        "against": "a 10k",
        "estimate": 1.0,
        "low": 0.4,
        "high": 1.6,
        "unit": "points",
        "answer": "worth it",
        "sense": 1,
        "labelled_images": 1000,
        "sentence": f"Pooling with {name} gains 1.0 points.",
    }
    asked = {"question": "pool", "title": f"Pool with {name}?", "answer": "worth it", "sense": 1}
    asked |= {"labels": 1000, "estimate": 1.0, "low": 0.4, "high": 1.6, "unit": "points"}
    value = {"labels": 1000, "estimate": 56.0, "low": 53.2, "high": 58.7, "way": "linear"}
    card = {
        "target": "a",
        "title": f"Images of {name}",
        "headline": {
            "answer": "pretrain",
            "sentence": f"Pretrain on {name}.",
            "because": [f"It wins on {name}."],
            "leans": False,
        },
        "conditions": f"small, {name}",
        "warnings": [f"Two seeds of {name}."],
        "table": {
            "labels": [1000],
            "rows": [{"role": "pretrain", "name": name, "values": [value]}],
            "differences": [],
        },
        "questions": [{**asked, "why": f"because of {name}", "lines": [0]}],
        "unmeasured": [
            {
                "question": "corruption",
                "title": "Poorer images?",
                "what": f"the cost of {name}",
                "add": f"add {name}",
                "cost": f"hours of {name}",
            }
        ],
        "setting": f"All of {name}.",
        "lines": [line],
        "missing": [],
        "next_step": {
            "step": "add",
            "what": f"add {name}",
            "answers": ["corruption"],
            "seeds": None,
            "cost": f"hours of {name}",
            "config": [],
        },
    }
    return card | changes


def add_all(folder: Path, name: str = "a") -> Path:
    """Everything else that a study can have, with ``name`` wherever a name stands."""
    results = folder / "results" / "planted"
    finding = {
        "finding": f"quantity of {name}",
        "verdict": "supported",
        "estimate": 1.3,
        "low": 0.6,
        "high": 2.1,
        "unit": "points",
    }
    finding |= {
        "threshold": 2.0,
        "statement": f"Of {name}.",
        "note": f"One seed of {name}.",
        "fit": {name: {"slope": 3}},
    }
    finding["evidence"] = [
        {"target": name, "estimate": 1.1, "low": 0.5, "high": 2.0, "cells": [f"cell of {name}"]}
    ]
    unsure = {"finding": "quality", "verdict": "inconclusive", "estimate": None, "evidence": [name]}
    (results / "findings.json").write_text(json.dumps([finding, unsure]))
    (results / "decision.json").write_text(json.dumps([card_of(name)]))
    (results / "published.csv").write_text(
        f'what,target,ours,paper,difference\ntable 1,"{name}",40.1,45.3,-5.2\n'
    )
    (results / "plan.md").write_text(
        f"# Plan\n\n**3.2 hours** for {name}.\n\n| lens | hours |\n|---|---:|\n| {name} | 3.2 |\n"
    )
    (results / "plan.csv").write_text(f'kind,job\npretrain,"{name}"\n')
    config = {"study": "planted", "stored_size": 48, "datasets": {"a": {"path": name}}}
    (results / "study.json").write_text(
        json.dumps({"study": "planted", "config": config, "cells": []})
    )
    run = results / "pretrain" / "simclr" / "a-10000" / "seed0"
    run.mkdir(parents=True)
    record = {
        "collapsed": f"The encoder of {name} collapsed.",
        "notes": [f"A note on {name}."],
        "git_commit": "c0ffee",
        "device": name,
    }
    record |= {
        "datasets": [{"dataset": "a", "beton": "clean.beton", "beton_sha256": "ab" * 32}],
        "versions": {"torch": "2.13.0"},
    }
    record |= {
        "wall_time_seconds": 70.7,
        "images_per_second": 1131.4,
        "peak_memory_bytes": 2**30,
        "settings": {"stored_size": 48},
    }
    (run / "run.json").write_text(json.dumps(record))
    (run / "history.csv").write_text("step,loss\n1,4.0\n2,3.0\n3,\n4,2.5\n")
    sidecar = folder / "data" / "a" / "48px" / "clean.json"
    sidecar.parent.mkdir(parents=True)
    left_out = [{"id": 3, "path": f"{name}.jpg", "reason": f"truncated {name}"}]
    images = {
        "dataset": "a",
        "content_sha256": "ab" * 32,
        "images": {"train": 4800, "test": 1200},
        "levels": {name: 10, "zoo": 4},
        "stored_size": 48,
    }
    sidecar.write_text(json.dumps({**images, "quarantined": left_out}))
    return results

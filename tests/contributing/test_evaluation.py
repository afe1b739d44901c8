"""A toy protocol or lens added to a copy of the project by the files that CONTRIBUTING.md lists.

The copy's own vocabulary test then finds nothing forgotten, and a proof runs the toy: a plan with
it, its label in the figures, and one small call.
"""

from tests.helpers.copied_house import PLAN, ROOT

NEAREST_MEAN = '''"""The protocol `nearest_mean`: the class whose mean feature is nearest."""

import numpy as np

from fourlenses.evaluation.probes.contract import ProbeContext
from fourlenses.evaluation.record import EvaluationResult
from fourlenses.evaluation.scores import Scores, report


def evaluate_nearest_mean(context: ProbeContext) -> list[EvaluationResult]:
    """Evaluate each label subset."""
    return [_of_subset(context, name, rows) for name, rows in context.subsets.items()]


def _of_subset(context: ProbeContext, name: str, rows: np.ndarray) -> EvaluationResult:
    features, labels = np.asarray(context.train.features)[rows], context.train.labels[rows]
    classes = np.unique(labels)
    means = np.stack([features[labels == each].mean(0) for each in classes])
    distances = ((np.asarray(context.test.features)[:, None] - means) ** 2).sum(2)
    ranked = classes[np.argsort(distances, axis=1)]
    in_top5 = (ranked[:, :5] == context.test.labels[:, None]).any(1)
    scores = Scores(predictions=ranked[:, 0], in_top5=in_top5, log_loss=None)
    return EvaluationResult(
        subset=name,
        label_size=len(rows),
        report=report(scores, context.test.labels, context.levels),
        details={},
        notes=[],
        timing={},
    )
'''


def test_a_protocol_on_features(house):
    house.add("src/fourlenses/evaluation/probes/nearest_mean.py", NEAREST_MEAN)
    registry = "src/fourlenses/evaluation/probes/registry.py"
    house.insert(
        registry,
        "PROTOCOLS: dict",
        "from fourlenses.evaluation.probes.nearest_mean import evaluate_nearest_mean\n",
    )
    house.insert(registry, '"knn": evaluate_knn', '"nearest_mean": evaluate_nearest_mean,')
    house.insert(
        "src/fourlenses/study/vocabulary.py",
        'Protocol("knn"',
        'Protocol("nearest_mean", "nearest class mean", frozen=True),',
    )
    proof = """
import numpy as np
import torch

from fourlenses.evaluation.probes.contract import (
    EvaluationSettings, LabelledFeatures, ProbeContext,
)
from fourlenses.evaluation.probes.registry import PROTOCOLS
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.study.vocabulary import PROTOCOLS as RECORDS


def test_plan_label_and_accuracy():
    protocols = ["linear", "nearest_mean"]
    _, plan = plan_of({"lenses": ["quantity"], "quantity": {"protocols": protocols}})
    assert {cell.protocol for cell in plan.cells} >= set(protocols)
    assert RECORDS["nearest_mean"].label == "nearest class mean"
    labels = np.arange(40) % 4
    images = LabelledFeatures(np.eye(4)[labels], labels)
    context = ProbeContext(
        dataset="toy", train=images, test=images, subsets={"20": np.arange(20)},
        levels=LabelLevels.of_classes(4), seed=0, pretrained_with_labels=False,
        settings=EvaluationSettings(validation_fraction=0.2, torch_threads=1, sections={}),
        device=torch.device("cpu"),
    )
    (result,) = PROTOCOLS["nearest_mean"](context)
    assert (result.report.top1, result.report.n_test) == (100, 40)
"""
    house.check("A protocol on features", "nearest_mean", PLAN + proof)


def test_a_protocol_that_trains(house):
    classifiers = "src/fourlenses/evaluation/finetuning/classifiers.py"
    house.insert(
        classifiers,
        "def _from_zero(",
        "def toy_tune(encoder, num_classes, hyper):\n"
        '    """Fine-tune."""\n'
        "    return fine_tune(encoder, num_classes, hyper)\n\n",
    )
    house.insert(classifiers, '"fine_tune": fine_tune', '"toy_tune": toy_tune,')
    house.insert(
        "src/fourlenses/study/vocabulary.py",
        'Protocol("knn"',
        'Protocol("toy_tune", "toy-tuned", trains=True, passes=3, colour="#123456"),',
    )
    preset = (ROOT / "presets" / "protocols" / "fine_tune.yaml").read_text(encoding="utf-8")
    house.add("presets/protocols/toy_tune.yaml", preset)
    schema = "schemas/config.schema.yaml"
    house.replace(schema, "[linear, validation_fraction", "[toy_tune, linear, validation_fraction")
    house.insert(schema, "fine_tune: {type: object", "toy_tune: {type: object, x-role: science}")
    house.insert("config.yaml", "scratch_published: {preset", "toy_tune: {preset: minutes}")
    proof = '''
from fourlenses.config.job_settings import protocol_settings
from fourlenses.evaluation.finetuning.classifiers import PROTOCOLS
from fourlenses.evaluation.finetuning.settings import FinetuningHyperparameters
from fourlenses.study.vocabulary import PROTOCOLS as RECORDS


class Network:
    """Stands for an encoder's run."""

    def pretrained(self):
        from torch import nn
        return nn.Linear(4, 8), 8


def test_plan_label_and_network():
    section = {"protocols": ["linear", "toy_tune"], "pretrain_images": ["all"]}
    config, plan = plan_of({"lenses": ["quantity"], "quantity": section})
    assert config["evaluation"]["toy_tune"]["batch_size"] == 64
    assert "toy_tune" in {cell.protocol for cell in plan.cells}
    assert RECORDS["toy_tune"].label == "toy-tuned"
    settings = protocol_settings(config, "toy_tune")
    hyper = FinetuningHyperparameters.from_json("toy_tune", settings)
    method = PROTOCOLS["toy_tune"](Network(), 5, hyper)
    assert method.head.weight.shape == (5, 8)
'''
    house.check("A protocol that trains", "toy_tune", PLAN + proof)


LENS = {
    "__init__.py": '"""How much do five guesses help?"""\n',
    "plan.py": '''"""Requests of the lens `guesses`. Standard library only."""

from collections.abc import Iterator

from fourlenses.lenses.checks import check_section
from fourlenses.lenses.requests import Request
from fourlenses.study import Run


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined."""
    check_section(config, "guesses", lens)


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield the encoders of each dataset's own images."""
    for dataset in lens["datasets"]:
        for method in lens["methods"]:
            run = Run(method, f"{dataset}-{lens['pretrain_images']}", seed)
            for protocol in lens["protocols"]:
                yield Request(run, dataset, lens["labelled_images"], protocol)
''',
    "figure.py": '''"""Top-5 minus top-1 of every encoder."""

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.plotting import style

NAME = "guesses"


def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the figure and the numbers in it."""
    rows = evidence.metrics[evidence.metrics["top5"].notna()]
    numbers = rows[["run", "target"]].assign(gain=rows["top5"] - rows["top1"])
    figure = style.new_figure(1, height=2.5)
    figure.subplots().plot(numbers["gain"], "o")
    return figure, numbers
''',
    "finding.py": '''"""The lens `guesses` claims nothing."""

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings.finding import Finding
from fourlenses.findings.thresholds import Thresholds


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return no finding."""
    return []
''',
    "caption.md": "Top-5 minus top-1 of every encoder.\n",
}


def test_a_lens(house):
    package = "src/fourlenses/lenses"
    for name, text in LENS.items():
        house.add(f"{package}/guesses/{name}", text)
    house.replace(
        "src/fourlenses/study/vocabulary.py",
        "    for lens in (\n",
        "    for lens in (\n"
        '        Lens("guesses", "How much do five guesses help?", (Figure("guesses"),)),\n',
    )
    section = (ROOT / "schemas" / "lenses" / "granularity.yaml").read_text(encoding="utf-8")
    house.add("schemas/lenses/guesses.yaml", section.replace("granularity", "guesses"))
    house.replace("config.yaml", "lenses: [", "lenses: [guesses, ")
    house.insert(
        "config.yaml",
        "granularity:",
        "guesses: {datasets: [scenes], methods: [simclr], pretrain_images: all,"
        " labelled_images: all, labelled_per_class: [], encoders: [], protocols: [linear]}",
    )
    proof = f'''
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.lenses.captions import caption_of
from fourlenses.lenses.registry import figure_named
from fourlenses.study.vocabulary import LENSES


def test_plan_figure_and_caption():
    _, plan = plan_of({{"lenses": ["guesses"]}})
    assert {{cell.target for cell in plan.cells}} == {{"scenes"}}
    evidence = Evidence.of(read_metrics(Path("{ROOT}/results/real_quick/metrics.csv")))
    figure, numbers = figure_named("guesses").draw(evidence)
    assert len(figure.axes) == 1 and (numbers["gain"] >= 0).all()
    assert caption_of("guesses").startswith("Top-5") and LENSES["guesses"].question
'''
    house.check("A lens", "guesses", PLAN + proof)

"""A finished study in a notebook: its card, its table, its figures, its trainings, your images.

marimo edit docs/guide/study_notebook.py -- --results results/real_quantity
"""

import marimo

app = marimo.App(width="medium", app_title="A finished study")


@app.cell
def _():
    import json
    from pathlib import Path

    import marimo as mo
    import matplotlib.pyplot as plt
    import pandas as pd

    return Path, json, mo, pd, plt


@app.cell
def _(Path, mo):
    project = Path(__file__).resolve().parents[2]
    given = mo.cli_args().get("results")
    results = Path(given) if given else project / "results" / "real_quantity"
    mo.md(f"# {results.name}\n\nAnother study: `-- --results results/<study>`.")
    return (results,)


@app.cell
def _(json, mo, results):
    cards = json.loads((results / "decision.json").read_text(encoding="utf-8"))
    answers = [f"**{card['title']}.** {card['headline']['sentence']}" for card in cards]
    mo.vstack(
        [
            mo.md("## What it answers\n\n" + "\n\n".join(answers)),
            mo.accordion(
                {"The whole card": mo.md((results / "decision.md").read_text(encoding="utf-8"))}
            ),
        ]
    )
    return (answers,)


@app.cell
def _(mo, results):
    from fourlenses.analysis.table import at_finest, read_metrics

    metrics = read_metrics(results / "metrics.csv")
    columns = ["method", "source", "seed", "target", "labelled_images", "protocol"]
    shown = at_finest(metrics)[[*columns, "top1", "top1_low", "top1_high"]]
    mo.vstack([mo.md("## Every number"), mo.ui.table(shown, page_size=12)])
    return metrics, shown


@app.cell
def _(metrics, mo):
    from fourlenses.lenses.registry import draw
    from fourlenses.plotting import style

    from fourlenses.analysis.contrasts import PRIOR_SD, Evidence
    from fourlenses.findings.thresholds import Thresholds

    evidence = Evidence.of(metrics, PRIOR_SD)
    lenses = sorted({lens for text in metrics["lens"] for lens in text.split(";")})
    with style.context():
        figures = {
            lens: draw(lens, evidence, thresholds=Thresholds(), table=None)[0] for lens in lenses
        }
    mo.vstack([mo.md("## Figures"), *(figure for figure in figures.values() if figure)])
    return (figures,)


@app.cell
def _(mo, pd, plt, results):
    histories = {
        file.parent.relative_to(results / "pretrain").as_posix(): pd.read_csv(file)
        for file in sorted(results.glob("pretrain/*/*/*/history.csv"))
    }
    trainings, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for name, history in histories.items():
        axes.plot(history["step"], history["loss"], label=name, linewidth=1)
    axes.set(xlabel="steps", ylabel="loss of the pretraining")
    mo.vstack([mo.md("## Trainings"), trainings if histories else mo.md("None recorded here.")])
    return (histories,)


@app.cell
def _(mo, results):
    encoders = sorted(
        file.parent.relative_to(results / "pretrain").as_posix()
        for file in results.glob("pretrain/*/*/*/encoder.safetensors")
    )
    options = mo.cli_args()
    encoder = mo.ui.dropdown(encoders, value=options.get("encoder"), label="encoder")
    folder = mo.ui.text(value=options.get("images") or "", label="folder of images")
    why = "" if encoders else "\n\nNo encoder is here: a clone has tables alone. Run the study."
    mo.vstack([mo.md(f"## Features of your images{why}"), encoder, folder])
    return encoder, folder


@app.cell
def _(Path, encoder, folder, mo, pd, results):
    from fourlenses.export.own_images import features_of, images_in, nearest

    mo.stop(not encoder.value or not folder.value)
    images = images_in(Path(folder.value))
    features = features_of(results / "pretrain" / encoder.value, images)
    neighbours = pd.DataFrame(
        {
            "image": [file.name for file in images],
            "nearest": [images[row].name for row in nearest(features)] if len(images) > 1 else [""],
        }
    )
    mo.vstack([mo.ui.table(neighbours), mo.md(f"`features`: {features.shape}")])
    return features, neighbours


if __name__ == "__main__":
    app.run()

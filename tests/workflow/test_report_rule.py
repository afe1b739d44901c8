"""`snakemake report` with a study's table alone: drawn and reported, and nothing pretrained."""

from tests.helpers.synthetic_metrics import COLUMNS
from tests.workflow.test_whole import output_of, snakemake, write_config

ENCODERS = (
    ("random", "none", 0, 20.0),
    ("simclr", "animals-16", 16, 30.0),
    ("simclr", "animals-32", 32, 40.0),
)


def table() -> str:
    lines = [",".join(COLUMNS)]
    for method, source, images, top1 in ENCODERS:
        for labelled in (12, 32):
            scores = (top1 + labelled / 4, top1, top1 + 20, "", 18)
            row = (
                "tiny",
                "quantity",
                method,
                "resnet_small",
                source,
                images,
                "none",
                0,
                "animals",
                "class",
                labelled,
                "linear",
                *scores,
            )
            lines.append(",".join(map(str, (*row, f"{method}/{source}/seed0"))))
    return "\n".join(lines) + "\n"


def jobs(result) -> dict[str, int]:
    """The table of jobs: a rule's name and its count, two words a line."""
    words = [line.split() for line in output_of(result).splitlines()]
    return {
        line[0]: int(line[1])
        for line in words
        if len(line) == 2 and line[1].isdigit() and line[0] != "jobid:"
    }


def test_the_table_alone_has_a_report_for_which_nothing_is_pretrained(tmp_path):
    config = write_config(tmp_path, lenses=["quantity"])
    results = tmp_path / "results" / "tiny"
    results.mkdir(parents=True)
    (results / "metrics.csv").write_text(table())
    planned = jobs(snakemake(tmp_path, "report", "-n", "--quiet", "host", config=config))
    assert {"draw_figure", "write_report"} <= set(planned)
    assert not set(planned) & {
        "index_dataset",
        "write_beton",
        "draw_subset",
        "pretrain",
        "evaluate",
        "train_evaluate",
        "collect_metrics",
    }

    result = snakemake(tmp_path, "report", config=config)
    assert result.returncode == 0, output_of(result)[-4000:]
    page = (results / "report.html").read_text()
    assert (
        page.count("data:image/svg+xml;base64,")
        == len(list((results / "figures").glob("*.svg")))
        > 0
    )
    assert "animals" in page
    assert not (tmp_path / "data").exists()

    assert "Nothing to be done" in output_of(snakemake(tmp_path, "report", "-n", config=config))

    # a picture that is gone is drawn again, and its figure alone
    picture = results / "figures" / "quantity.png"
    before = picture.read_bytes()
    picture.unlink()
    planned = jobs(snakemake(tmp_path, "report", "-n", "--quiet", "host", config=config))
    assert planned == {"draw_lost_pictures": 1, "write_report": 1, "report": 1, "total": 3}
    result = snakemake(tmp_path, "report", config=config)
    assert result.returncode == 0, output_of(result)[-4000:]
    assert picture.read_bytes() == before

    # a clone has the records of study and runs too, and git may write them later than the table
    (results / "study.json").write_text("{}")
    for method, source, *_ in ENCODERS:
        run = results / "pretrain" / method / source / "seed0"
        run.mkdir(parents=True)
        (run / "run.json").write_text("{}")
        (run / "history.csv").write_text("step\n")
    planned = jobs(snakemake(tmp_path, "report", "-n", "--quiet", "host", config=config))
    assert not set(planned) & {"write_study", "pretrain", "evaluate", "collect_metrics"}

"""Pictures that a user deleted are asked for; those of a figure without data are not."""

from fourlenses.study.layout import Layout
from fourlenses.workflow.lost_pictures import lost_pictures


def test_what_was_drawn_and_is_gone_is_lost(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = Layout("mine", 32)
    folder = tmp_path / "results" / "mine" / "figures"
    folder.mkdir(parents=True)
    (folder / "quantity.csv").write_text("target,top1\na,40\n")
    (folder / "quantity.svg").touch()
    (folder / "methods.csv").write_text("target,top1\n")
    names = ["quantity", "methods", "domain"]
    assert lost_pictures(files, names, ["svg"]) == []
    assert lost_pictures(files, names, ["svg", "pdf"]) == ["results/mine/figures/quantity.pdf"]
    (folder / "quantity.svg").unlink()
    assert lost_pictures(files, names, ["svg"]) == ["results/mine/figures/quantity.svg"]

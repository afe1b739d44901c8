"""Colours of datasets."""

from fourlenses.plotting import style


def test_dataset_colours_do_not_depend_on_order():
    assert style.dataset_colours(["b", "a", "b"]) == style.dataset_colours(["a", "b"])
    assert len(set(style.dataset_colours("abcdefghi").values())) == 9

"""What is asked of one table again and again is computed once, and for another table anew."""

import gc

import pandas as pd

from fourlenses.analysis.table import once_per_table


def test_each_table_is_asked_once():
    asked = []

    @once_per_table
    def total(table: pd.DataFrame) -> int:
        asked.append(table)
        return int(table["n"].sum())

    first, second = pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [1, 2]})
    assert [total(first), total(first), total(second), total(second)] == [3, 3, 3, 3]
    assert [one is other for one, other in zip(asked, (first, second), strict=True)] == [True, True]


def test_a_result_does_not_outlive_its_table():
    """Another table may come to lie where the first one did."""

    @once_per_table
    def total(table: pd.DataFrame) -> int:
        return int(table["n"].sum())

    for number in range(20):
        table = pd.DataFrame({"n": [number]})
        assert total(table) == number
        del table
        gc.collect()

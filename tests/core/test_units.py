from fourlenses.core.units import about_duration, format_bytes, format_duration


def test_bytes_as_people_write_them():
    counts = (0.0, 12, 26_100_000_000, None)
    expected = ["0 bytes", "12 bytes", "26.1 GB", "an unknown number of bytes"]
    assert [format_bytes(count) for count in counts] == expected
    assert format_bytes(3 << 30, binary=True) == "3 GiB"


def test_durations_fit_a_table():
    seconds = (0.04, 5, 59.7, 70.7, 600, 3600, 7325, 400_000)
    assert [format_duration(value) for value in seconds] == [
        *("0.0 s", "5.0 s", "1 min 00 s", "1 min 11 s", "10 min 00 s"),
        *("1 h 00 min", "2 h 02 min", "4 d 15 h"),
    ]


def test_an_estimate_has_one_digit():
    seconds = (20, 140, 1500, 9_000, 400_000)
    expected = ["a minute", "2 min", "20 min", "2 h", "5 days"]
    assert [about_duration(value) for value in seconds] == expected

"""Damage to files: what disks, transfers and hostile people do, drawn from a seed."""

import numpy as np

BYTES = np.array([0x00, 0x01, 0x7F, 0x80, 0xFF], np.uint8)
NUMBERS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
WORDS = (
    b"../../../../tmp/outside",
    b"/tmp/outside",
    b"\x00",
    b"\xff\xfe",
    b"-1",
    b"1e400",
    b"NaN",
    b'"',
    b"\n",
    b"9" * 400,
    b"A" * 70_000,
    b"[" * 5000,
    b"\xe2\x80\xae",
    b"=cmd|'/c calc'!A1",
    b"__reduce__",
)


def mutate(content: bytes, others: list[bytes], generator: np.random.Generator) -> bytes:
    """Return a content with one to four kinds of damage.

    Args:
        content: Of a file that can be read.
        others: Further such contents, to splice with.
        generator: What is drawn comes from it alone.
    """
    data = bytearray(content)
    for _ in range(int(generator.integers(1, 5))):
        _damage(data, others, generator)
    return bytes(data)


def _damage(data: bytearray, others: list[bytes], generator: np.random.Generator) -> None:
    kind = int(generator.integers(8))
    # headers decide most: every other place is in the first or the last KB
    last = max(1, len(data))
    low, high = ((0, last), (0, min(1024, last)), (max(0, last - 1024), last))[
        int(generator.choice(3, p=(0.5, 0.3, 0.2)))
    ]
    place = int(generator.integers(low, high))
    length = int(generator.integers(1, 256))
    if kind == 0:
        for at in generator.integers(low, high, int(generator.integers(1, 16))).tolist():
            if at < len(data):
                data[at] ^= 1 << int(generator.integers(8))
    elif kind == 1:
        data[place : place + length] = generator.choice(BYTES, length).tobytes()
    elif kind == 2:  # a size, an offset or a count
        number = NUMBERS[int(generator.integers(len(NUMBERS)))]
        width = int(generator.choice((2, 4, 8)))
        order = "little" if generator.integers(2) else "big"
        data[place : place + width] = (number & ((1 << 8 * width) - 1)).to_bytes(width, order)
    elif kind == 3:
        del data[place:]
    elif kind == 4:
        del data[place : place + length]
    elif kind == 5:
        data[place:place] = data[place : place + length] * int(generator.integers(1, 20))
    elif kind == 6:
        data[place:place] = WORDS[int(generator.integers(len(WORDS)))]
    else:
        other = others[int(generator.integers(len(others)))]
        start = int(generator.integers(max(1, len(other))))
        data[place:] = other[start:]

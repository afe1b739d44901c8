"""The key `progressive_sizes`: shares of the views' size over equal parts of the steps."""

from collections.abc import Sequence

from fourlenses.core.errors import UserError


def check_shares(key: str, shares: object) -> None:
    """Check that the shares grow to 1.

    Args:
        key: that has them, for the message.

    Raises:
        UserError: they are no such list.
    """
    if not _grow_to_one(shares):
        raise UserError(
            f"key '{key}' is {shares}; the shares are above 0 and grow to 1, the size "
            "of the images that the encoder is evaluated on, as in [0.5, 0.75, 1]"
        )


def _grow_to_one(shares: object) -> bool:
    if not isinstance(shares, Sequence) or isinstance(shares, str) or not shares:
        return False
    numbers = [share for share in shares if isinstance(share, int | float) and share > 0]
    return len(numbers) == len(shares) and numbers == sorted(numbers) and numbers[-1] == 1


def mean_area(shares: Sequence[float]) -> float:
    """Return the area of the views over that of whole ones, averaged over the steps."""
    return sum(share**2 for share in shares) / len(shares)

"""Options that several relatives of CCA share."""

from __future__ import annotations

from ..measure import Option
from . import checks

__all__ = ["CROSS_VALIDATE", "RANK_TOLERANCE"]

CROSS_VALIDATE = Option(
    "cross_validate",
    None,
    checks.check_cross_validate,  # and later with the number of samples
    kind=int,
    metavar="K",
    help="values of held-out samples, by K folds",
)
RANK_TOLERANCE = Option(
    "rank_tolerance",
    None,
    checks.check_rank_tolerance,
    kind=float,
    metavar="T",
    help="singular values up to T times the largest count as 0",
)

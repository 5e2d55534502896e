"""Options that several relatives of CCA share."""

from __future__ import annotations

from ..measure import Option
from ..splits import check_folds, check_groups
from . import checks

__all__ = ["CROSS_VALIDATE", "DIRECTION", "GROUPS", "RANK_TOLERANCE"]

CROSS_VALIDATE = Option(
    "cross_validate",
    None,
    check_folds("cross_validate"),  # and later with the samples
    kind=int,
    metavar="K",
    help="values of held-out samples, by K folds",
)
GROUPS = Option("groups", None, check_groups, has_flag=False)
DIRECTION = Option(
    "direction",
    checks.DIRECTIONS[0],
    checks.check_direction,
    choices=checks.DIRECTIONS,
    help="which of the two is predicted from the other",
)
RANK_TOLERANCE = Option(
    "rank_tolerance",
    None,
    checks.check_rank_tolerance,
    kind=float,
    metavar="T",
    help="singular values up to T times the largest count as 0",
)

"""Checks of the options of the shape distances."""

from __future__ import annotations


def check_alpha(alpha: float) -> float:
    """Refuse anything but a point between CCA, 0, and Procrustes, 1."""
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be in [0, 1], got {alpha}.")
    return alpha

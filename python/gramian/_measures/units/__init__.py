"""Convergent learning, unit by unit (Li et al. 2015)."""

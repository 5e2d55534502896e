"""Orthogonal Procrustes and the shape distances (Williams et al. 2021)."""

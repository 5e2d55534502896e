"""HSIC and CKA, for any kernel (Gretton et al. 2005; Kornblith et al. 2019)."""

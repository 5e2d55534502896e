"""Canonical correlations and their relatives: CCA, SVCCA, PWCCA, linear regression."""

"""
Error bars on a map
===================

The value of a pair would be another one with other examples. How different, the jackknife says, at
the cost of a few comparisons.
"""

import numpy as np

import gramian as gm

rng = np.random.default_rng(0)
x = rng.standard_normal((250, 40))
A, B = {}, {}
for depth in range(6):
    x = np.maximum(x @ rng.standard_normal((40, 40)) / 6, 0)
    A[f"block{depth}"] = x + 0.3 * x.std() * rng.standard_normal(x.shape)
    B[f"block{depth}"] = x + 0.3 * x.std() * rng.standard_normal(x.shape)

S = gm.compare(A, B, debiased=True, inference="jackknife")
S.plot_curve()

# %%
# In the map, the interval stands under each value.
S.plot()

# %%
# Is it more than chance? 999 orders of the examples, the same for all pairs, give p-values of the
# whole map: cells above .05 are struck out. The last layer of B is replaced by noise.
B["block5"] = rng.standard_normal((250, 40))
P = gm.compare(A, B, debiased=True, inference="permutation", n_resamples=999, rng=0)
P.plot()

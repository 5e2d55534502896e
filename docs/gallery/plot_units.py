"""
Unit by unit
============

Layers may span the same space with entirely different units. Convergent learning asks for partners
of single units: here some units have one, some are mixtures of a few, and some have none.
"""

import matplotlib.pyplot as plt
import numpy as np

import gramian as gm

rng = np.random.default_rng(0)
X = rng.standard_normal((2000, 24))
mixtures = X[:, 8:16] @ rng.standard_normal((8, 8)) / 3
Y = np.hstack([X[:, :8], mixtures, rng.standard_normal((2000, 8))])
Y = Y[:, rng.permutation(24)] + 0.4 * rng.standard_normal((2000, 24))

matching = gm.match_units(X, Y)
print(matching)
matching.plot()

# %%
# How much of a unit do a few units of the other layer explain? LASSO paths, from one correlation
# matrix.
paths = gm.sparse_prediction(X, Y)
paths.plot()

# %%
# What corresponds, sorted by the matching.
order = matching.pairs[np.argsort(-matching.correlations)]
figure, ax = plt.subplots()
image = ax.imshow(gm.correlation(X, Y)[np.ix_(*order.T)], cmap="RdBu_r", vmin=-1, vmax=1)
ax.set_xlabel("units of Y, by their match")
ax.set_ylabel("units of X")
figure.colorbar(image, label="correlation")

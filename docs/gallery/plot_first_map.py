"""
Two networks, layer by layer
============================

Two small convolutional networks were trained on handwritten digits from different seeds; their
activations for 250 digits that neither has seen are part of the package. Every layer finds its
counterpart.
"""

from importlib.resources import files

import gramian as gm

path = files("gramian") / "_data" / "digits.npz"
A, B = (gm.open(path, layers=f"seed{seed}/*") for seed in (0, 1))
S = gm.compare(A, B, debiased=True)
print(S)
print(f"layers whose most similar layer is the same layer: {S.accuracy():.0%}")
S.plot()

# %%
# CCA asks for the same directions, whatever their variance. With 250 digits and up to 2,048 units
# it finds all of them in every layer, says so, and tells nothing; `svcca` keeps those directions
# that carry most of the variance.
T = gm.compare(A, B, measure="svcca", components=20)
T.plot()
print(f"by SVCCA of 20 directions: {T.accuracy():.0%}")

# %%
# Each layer with its counterpart, as a curve.
S.plot_curve()

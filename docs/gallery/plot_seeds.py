"""
Many seeds, many models
=======================

One pair of networks is one draw. Put the comparisons of several seeds together and look at what
they share; or compare all models with one another, and draw them as a tree.
"""

import numpy as np

import gramian as gm

images = np.random.default_rng(0).standard_normal((300, 50))


def network(seed, pixels=slice(None)):
    """Return four layers of a random network that sees some of the pixels."""
    rng = np.random.default_rng(seed)
    x, layers = images[:, pixels], {}
    for depth in range(4):
        weights = rng.standard_normal((x.shape[1], 200)) / np.sqrt(x.shape[1])
        x = np.maximum(x @ weights, 0)
        layers[f"block{depth}"] = x
    return layers


first = network(0)
runs = {f"seed {s}": gm.compare(first, network(s), debiased=True) for s in range(1, 7)}
stack = gm.concat(runs)
print(stack)
stack.plot()

# %%
# Twelve networks, of which six see the left half of the images and six the right, by the angle
# between their last layers. It obeys the triangle inequality, so that a tree makes sense.
models = {f"left {s}": network(s, slice(25))["block3"] for s in range(6)}
models |= {f"right {s}": network(s, slice(25, 50))["block3"] for s in range(6, 12)}
sides = [name.split()[0] for name in models]
D = gm.compare(models, measure="cka_distance", debiased=True)
gm.plot_models(D, groups=sides)

# %%
# The same in a plane, by classical scaling.
gm.plot_models(D, groups=sides, kind="plane")

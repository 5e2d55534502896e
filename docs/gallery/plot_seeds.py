"""
Many seeds, many models
=======================

One pair of networks is one draw. Put the comparisons of several seeds together and look at what
they share; or compare all models with one another, and draw them as a tree.
"""

import numpy as np

import gramian as gm

images = np.random.default_rng(0).standard_normal((300, 50))


def network(seed, decay):
    """Return four layers of a random network whose weights have a falling spectrum."""
    rng = np.random.default_rng(seed)
    x, layers = images, {}
    for depth in range(4):
        weights = rng.standard_normal((50, 50)) * np.arange(1, 51) ** -decay
        x = np.maximum(x @ weights, 0)
        layers[f"block{depth}"] = x
    return layers


first = network(0, decay=0.5)
runs = {f"seed {s}": gm.compare(first, network(s, 0.5), debiased=True) for s in range(1, 7)}
stack = gm.concat(runs)
print(stack)
stack.plot()

# %%
# Twelve networks of two kinds, by the angle between their last layers, which obeys the triangle
# inequality: so that a tree makes sense.
models = {f"flat {s}": network(s, 0.2)["block3"] for s in range(6)}
models |= {f"steep {s}": network(s, 1.2)["block3"] for s in range(6)}
kinds = [name.split()[0] for name in models]
D = gm.compare(models, measure="cka_distance", debiased=True)
gm.plot_models(D, groups=kinds)

# %%
# The same in a plane, by classical scaling.
gm.plot_models(D, groups=kinds, kind="plane")

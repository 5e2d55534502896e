"""
Batches: exact, and averaged
============================

More examples than memory holds come in batches. The CKAs of batches, averaged, are not the CKA:
they depend on the size of the batch. An accumulator of linear CKA gives what all examples would
give at once.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import gramian as gm

warnings.filterwarnings("ignore", ".*independent units would score")
rng = np.random.default_rng(0)
X = rng.standard_normal((4096, 100))
Y = np.maximum(X @ rng.standard_normal((100, 100)) / 10, 0) + rng.standard_normal((4096, 100))
whole = gm.cka(X, Y)

sizes, averaged, accumulated = [32, 64, 128, 256, 512, 1024], [], []
for size in sizes:
    batches = [slice(start, start + size) for start in range(0, 4096, size)]
    averaged.append(np.mean([gm.cka(X[rows], Y[rows]) for rows in batches]))
    accumulator = gm.Accumulator("cka")
    for rows in batches:
        accumulator.update(X[rows], Y[rows])
    accumulated.append(accumulator.compute().values[0, 0])

figure, ax = plt.subplots()
ax.axhline(whole, color="gray", label="all at once")
ax.semilogx(sizes, averaged, "s--", label="average over batches")
ax.semilogx(sizes, accumulated, "o", label="accumulator")
ax.set(xlabel="batch size", ylabel="linear CKA", ylim=(0, 1))
ax.legend()
print("largest error of the accumulator:", np.abs(np.subtract(accumulated, whole)).max())

# %%
# An accumulator can be pickled, and what several processes have gathered is merged.
parts = [gm.Accumulator("cka") for _ in range(4)]
for k, part in enumerate(parts):
    part.update(X[k::4], Y[k::4])
merged = parts[0]
for part in parts[1:]:
    merged.merge(part)
print(merged.compute().values[0, 0], whole)

"""
A page to point at, and a tree of layers
========================================

Several measures of the same layers go on one page of HTML, under one cursor: it moves with the
pointer or the arrow keys, and tells names, values and intervals of all maps at once. The page is
one file that asks nothing of any network, to be sent to who has no Python.
"""

from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp

import gramian as gm

path = files("gramian") / "_data" / "digits.npz"
A, B = (gm.open(path, layers=f"seed{seed}/*") for seed in (0, 1))
maps = [
    gm.compare(A, B, debiased=True),
    gm.compare(A, B, debiased=True, kernel="rbf"),
    gm.compare(A, B, measure="svcca", components=20),
]
page = Path(mkdtemp()) / "digits.html"
gm.report(maps, page, title="Two networks on digits")
print(f"{page.stat().st_size / 1000:.0f} kB")

# %%
# A notebook shows a comparison as its map.
maps[0]

# %%
# Many models, or here all layers of both networks, by their distances. All layers but the third and
# the fourth join their counterpart first, and like depths join before networks do.
D = gm.compare(gm.open(path, layers="seed*"), measure="cka_distance", debiased=True)
gm.plot_models(D, groups=[name.split("/")[0] for name in D.x_names])

# %%
# The same in a plane, which cannot hold all of it: the title says how much.
gm.plot_models(D, kind="plane", groups=[name.split("/")[1] for name in D.x_names])

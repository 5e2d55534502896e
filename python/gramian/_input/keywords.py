"""Keywords that a function does not have: what was meant, or what to do instead."""

from __future__ import annotations

from collections.abc import Collection

from .options import did_you_mean, shown

__all__ = ["advice", "refuse_keyword"]

# What other libraries, or other functions of this one, call an option; the first that there is.
_OTHER_NAMES = {
    "random_state": ("rng", "seed"),
    "random_seed": ("rng", "seed"),
    "seed": ("rng",),
    "rng": ("seed",),
    "metric": ("measure",),
    "similarity": ("measure",),
    "verbose": ("progress",),
    "show_progress": ("progress",),
    "pbar": ("progress",),
    "n_components": ("components",),
    "threshold": ("variance",),
    "cv": ("cross_validate",),
    "n_folds": ("cross_validate",),
    "n_splits": ("cross_validate",),
    "n_perm": ("n_permutations", "n_resamples"),
    "n_permutations": ("n_resamples",),
    "n_boot": ("n_resamples",),
    "confidence_level": ("level",),
    "ci": ("level",),
    "epsilon": ("regularization", "rank_tolerance"),
    "ridge": ("regularization",),
    "unbias": ("debiased", "unbiased"),
    "pool": ("positions",),
    "annot": ("annotate",),
}
# What is done in another way.
_CURES = {
    "n_jobs": "Call gramian.set_num_threads(n) to set the number of threads",
    "num_threads": "Call gramian.set_num_threads(n) to set the number of threads",
    "n_threads": "Call gramian.set_num_threads(n) to set the number of threads",
    "threads": "Call gramian.set_num_threads(n) to set the number of threads",
    "workers": "Call gramian.set_num_threads(n) to set the number of threads",
    "random_state": "Nothing in it is random",
    "random_seed": "Nothing in it is random",
    "seed": "Nothing in it is random",
    "rng": "Nothing in it is random",
    "gamma": "A Gaussian kernel exp(-gamma |x - y|^2) is sigma=(2 * gamma) ** -0.5",
    "degree": "Say kernel=gramian.Polynomial(degree)",
    "biased": "Say debiased=True for the unbiased estimator, and debiased=False for the biased one",
    "dtype": "Arithmetic is in the precision of the arrays: X.astype(numpy.float64) raises it",
    "axis": "Rows are samples: pass X.T where columns are",
    "gpu": "Say device='cuda' to compute on a GPU",
    "cuda": "Say device='cuda' to compute on a GPU",
    "use_gpu": "Say device='cuda' to compute on a GPU",
    "center": "Features are centered as the measure asks for it",
    "centering": "Features are centered as the measure asks for it",
    "batch_size": "A gramian.Accumulator takes samples batch by batch",
    "squared": "It is a measure of its own in maps: measure='svcca_squared', 'cca_squared'",
    "method": "It is part of the name in maps: measure='match_one_to_one', 'match_semi'",
    "sigma": "It is for kernels: measure='cka' with kernel='rbf' takes it",
}


def advice(name: str, known: Collection[str]) -> str:
    """Return a sentence that goes on after the refusal of a keyword: "" where nothing is known."""
    for other in _OTHER_NAMES.get(name, ()):
        if other in known:
            return f" It is called {other!r} here."
    if name in _CURES:
        return f" {_CURES[name]}."
    return did_you_mean(name, known)


def refuse_keyword(function: str, name: str, known: Collection[str]) -> TypeError:
    """Return the error for a keyword that a function does not have."""
    hint = advice(name, known)
    if not hint:
        hint = f" It has {', '.join(map(repr, known))}." if known else ""
    return TypeError(f"{function}() has no argument {shown(name)}.{hint}")

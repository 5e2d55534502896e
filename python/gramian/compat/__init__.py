"""Modules with the names and calls of other libraries, and adapters to others.

`kornblith`, `svcca`, `torch_cka`, `netrep` and `platonic` take the place of the code that they are
named after, so that an import is all that changes; their docstrings say what they compute
otherwise, and why. `torchmetrics` imports its library.
"""

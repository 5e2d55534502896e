"""What this installation does on this machine's CUDA device: ``python -m gramian.gpu_check``.

One command for anyone with a card. It runs steps, each a process of its own with a limit of time:
facts (card, driver, libraries, versions); the libraries alone (`solvers`, `products`); every
measure in float32 and float64 against the reference, with its error in units of eps (`smoke`); and
eight jobs of full size beside torch and CuPy, where these are installed, and beside the time that
the hardware allows (`jobs`). What crashes or hangs costs one step.

``report.json`` and ``report.md`` are in the folder that ``--output`` names, after each step. The
exit code is 0 if all is well, 1 if a step failed or was not reached, and 2, at once, if there is
nothing to check: no CUDA backend in this build, no driver, no device.
"""

"""How many threads the compiled core may use."""

from __future__ import annotations

import operator

from .modules import cpu

__all__ = ["get_num_threads", "set_num_threads"]


def get_num_threads() -> int:
    """Return the number of threads a call may use.

    Raises
    ------
    ValueError
        If ``GRAMIAN_NUM_THREADS`` is set and `set_num_threads` would not take it. So does every
        function that computes, until `set_num_threads` is called.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.get_num_threads() >= 1
    True
    """
    return cpu.num_threads()


def set_num_threads(n: int) -> None:
    """Set the number of threads a call may use, for the whole process.

    Results do not depend on it, to the last bit. The default is the number of processors that
    the process may run on, cut by a container's CPU quota and by ``GRAMIAN_NUM_THREADS``. No
    other library's threads are touched.

    Parameters
    ----------
    n : int
        At least 1, at most 1024.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> import gramian as gm
    >>> before = gm.get_num_threads()
    >>> gm.set_num_threads(1)
    >>> gm.get_num_threads()
    1
    >>> gm.set_num_threads(before)
    """
    try:
        number = None if isinstance(n, bool) else operator.index(n)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"n must be an integer, got {type(n).__name__}.")
    if not 1 <= number <= 1024:
        shown = number if abs(number) < 10**20 else f"one of {number.bit_length()} bits"
        raise ValueError(f"n must be between 1 and 1024, got {shown}.")
    cpu.set_num_threads(number)

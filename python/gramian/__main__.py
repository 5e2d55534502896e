"""Run the command line as ``python -m gramian``."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())

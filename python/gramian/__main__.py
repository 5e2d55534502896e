"""Run the command line as ``python -m gramian``."""

from ._cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())

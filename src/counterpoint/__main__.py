"""The entry point: `counterpoint` and `python -m counterpoint`."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from counterpoint.cli import run

    code = run(sys.argv[1:])
    gc.freeze()  # the process ends here: nobody need look for cycles in what a large import leaves
    sys.exit(code)


if __name__ == "__main__":
    main()

"""The entry point: `counterpoint` and `python -m counterpoint`."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from counterpoint.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

"""`python -m local`: the local cloud."""

import sys

from local.cli import main

if __name__ == "__main__":
    sys.exit(main())

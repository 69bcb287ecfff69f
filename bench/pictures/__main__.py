"""Run the picture bench; see `bench.pictures.run`."""

import sys

from bench.pictures.run import main

if __name__ == "__main__":
    sys.exit(main())

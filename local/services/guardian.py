"""Kills what a dead runner left behind: it reads process groups from a pipe and outlives the writer.

Started by path with an isolated interpreter (`python -I -S guardian.py`), so it imports only os and sys.
Lines on standard input: `+PGID` a group began, `-PGID` it ended. End of input means the runner is gone.
"""

import os
import sys


def watch() -> None:
    """Follow the groups until the runner is gone, then kill those that are left."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        (groups.add if line[0] == "+" else groups.discard)(group)
    for group in groups:
        try:
            os.killpg(group, 9)
        except (ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    watch()

"""Structured logs."""

import logging

from shared.core.logs import configure


    root, ours = logging.getLogger(), logging.getLogger("shared.jobs.upkeep")
    before, level = list(root.handlers), root.level
    ours.disabled = True
    try:
        configure()
        assert not ours.disabled
    finally:
        root.handlers[:], ours.disabled = before, False
        root.setLevel(level)

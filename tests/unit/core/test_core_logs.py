"""Structured logs."""

import logging

from shared.core.logs import configure


def test_our_loggers_speak_again_after_somebody_silenced_them():
    """As functions-framework does, by `logging.config.dictConfig` with its default."""
    root, ours = logging.getLogger(), logging.getLogger("shared.jobs.upkeep")
    before, level = list(root.handlers), root.level
    ours.disabled = True
    try:
        configure()
        assert not ours.disabled
    finally:
        root.handlers[:], ours.disabled = before, False
        root.setLevel(level)

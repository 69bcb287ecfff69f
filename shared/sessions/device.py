"""What to call the device behind a `User-Agent`, for a person to know it again; nothing is decided by it."""

from __future__ import annotations

import re
from typing import Final

# Of several that fit the first counts: each browser says that it is those after it, too.
_BROWSERS: Final = (
    ("Edge", r"\bEdg(e|A|iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(Firefox|FxiOS)/"),
    ("Chrome", r"\b(Chrome|CriOS|HeadlessChrome)/"),
    ("Safari", r"\bVersion/[\d.]+ .*\bSafari/"),
    ("curl", r"^curl/"),
)
_SYSTEMS: Final = (
    ("Windows", r"Windows NT"),
    ("iOS", r"\b(iPhone|iPad|iPod)\b"),
    ("Android", r"\bAndroid\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("macOS", r"Mac OS X"),
    ("Linux", r"\bLinux\b"),
)
_LONGEST: Final = 1000


def device_of(agent: str | None) -> str:
    """Such as `Firefox on Linux`; `unknown device` for what is neither known browser nor known system."""
    text = (agent or "")[:_LONGEST]
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, text)), None)
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, text)), None)
    return " on ".join(filter(None, (browser, system))) or "unknown device"

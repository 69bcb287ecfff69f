"""Cross-origin rules of the XML API, from the bucket's CORS configuration."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any


def _matches(patterns: Iterable[str], value: str) -> bool:
    return any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns)


def _rule(rules: Iterable[Mapping[str, Any]], origin: str, method: str) -> Mapping[str, Any] | None:
    for rule in rules:
        if _matches(rule.get("origin", []), origin) and _matches(rule.get("method", []), method):
            return rule
    return None


def _origin(rule: Mapping[str, Any], origin: str) -> str:
    return "*" if "*" in rule["origin"] else origin


def response_headers(rules: Iterable[Mapping[str, Any]], origin: str, method: str) -> dict[str, str]:
    """Headers that let the page at `origin` read the answer; empty when no rule allows it."""
    rule = _rule(rules, origin, method)
    if rule is None:
        return {}
    headers = {"Access-Control-Allow-Origin": _origin(rule, origin), "Vary": "Origin"}
    if rule.get("responseHeader"):
        headers["Access-Control-Expose-Headers"] = ", ".join(rule["responseHeader"])
    return headers


def preflight_headers(
    rules: Iterable[Mapping[str, Any]], origin: str, method: str, wanted: Iterable[str]
) -> dict[str, str]:
    """Headers that let the browser go on with `method` and the `wanted` request headers; else empty."""
    rule = _rule(rules, origin, method)
    if rule is None or not all(_matches(rule.get("responseHeader", []), name) for name in wanted):
        return {}
    return {
        "Access-Control-Allow-Origin": _origin(rule, origin),
        "Access-Control-Allow-Methods": ", ".join(rule["method"]),
        "Access-Control-Allow-Headers": ", ".join(rule.get("responseHeader", [])),
        "Access-Control-Max-Age": str(rule.get("maxAgeSeconds", 3600)),
        "Vary": "Origin",
    }

"""Subscription filters on attributes: comparison, presence and prefix, joined by AND or by OR."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from local.messaging.rpc import unsupported

Attributes = Mapping[str, str]
Filter = Callable[[Attributes], bool]

_KEY = r'(?:(?P<key>[A-Za-z_][\w-]*)|"(?P<quoted>[^"]+)")'
_VALUE = r'"(?P<value>(?:[^"\\]|\\.)*)"'
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"attributes\.{_KEY}\s*(?P<operator>!=|=)\s*{_VALUE}",
        rf"(?P<operator>hasPrefix)\s*\(\s*attributes\.{_KEY}\s*,\s*{_VALUE}\s*\)",
        rf"attributes(?P<operator>:){_KEY}",
    )
)
_JOINT = re.compile(r"""\s+(AND|OR)\s+(?=(?:[^"]*"[^"]*")*[^"]*$)""")


@lru_cache(maxsize=256)
def compile_filter(expression: str) -> Filter:
    """A predicate on a message's attributes; UNIMPLEMENTED for what is beyond the forms above."""
    if not expression.strip():
        return lambda _attributes: True
    first, *rest = _JOINT.split(expression.strip())
    joints, terms = set(rest[::2]), [_term(text) for text in (first, *rest[1::2])]
    if len(joints) > 1:
        raise unsupported(f"a filter that mixes AND with OR: {expression}")
    join = any if joints == {"OR"} else all
    return lambda attributes: join(term(attributes) for term in terms)


def _term(text: str) -> Filter:
    bare = re.sub(r"^(NOT\s+|-)", "", text)
    test = _comparison(bare)
    return test if bare == text else lambda attributes: not test(attributes)


def _comparison(text: str) -> Filter:
    match = next((found for form in _FORMS if (found := form.fullmatch(text))), None)
    if match is None:
        raise unsupported(f"this filter: {text}")
    parts = match.groupdict()
    key, value = parts["key"] or parts["quoted"], re.sub(r"\\(.)", r"\1", parts.get("value") or "")
    return {
        "=": lambda attributes: attributes.get(key) == value,
        # Google: a message without the attribute passes `!=`.
        "!=": lambda attributes: attributes.get(key) != value,
        ":": lambda attributes: key in attributes,
        "hasPrefix": lambda attributes: attributes.get(key, "").startswith(value) and key in attributes,
    }[parts["operator"]]

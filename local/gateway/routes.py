"""Which function serves a path: the URL templates of the manifests, the most specific first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_VARIABLE = re.compile(r"\{[a-z_]+\}")


@dataclass(frozen=True)
class Route:
    """One URL template of a function."""

    template: str
    function: str
    pattern: re.Pattern[str]
    rank: tuple[int, ...]


class RouteTable:
    """All templates of all functions, matched as the load balancer matches path templates.

    A literal segment is more specific than `{name}`, from the left.
    """

    def __init__(self, templates: Iterable[tuple[str, str]]) -> None:
        """`templates` are pairs of template and function name; raises ValueError where two are the same."""
        routes = [_route(template, function) for template, function in templates]
        shapes: dict[str, str] = {}
        for route in routes:
            other = shapes.setdefault(route.pattern.pattern, route.function)
            if other != route.function:
                raise ValueError(f"{route.template} belongs to both {other} and {route.function}")
        self._routes = sorted(routes, key=lambda route: route.rank)

    def find(self, path: str) -> Route | None:
        """The most specific route for an undecoded path, or None."""
        return next((route for route in self._routes if route.pattern.fullmatch(path)), None)


def _route(template: str, function: str) -> Route:
    ranks, parts = [], []
    for segment in template.strip("/").split("/"):
        variable = _VARIABLE.fullmatch(segment) is not None
        ranks.append(int(variable))
        parts.append("[^/]+" if variable else re.escape(segment))
    return Route(template, function, re.compile("/" + "/".join(parts)), tuple(ranks))

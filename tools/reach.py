"""What a function's `main.py` can reach by import, without running anything.

The walk follows names: a module that is loaded loads what it imports at its top; a function or class that is
referred to brings what it refers to, imports inside of functions included. Classes count as a whole, but for
the composition root with its parts in `shared.wiring`, whose members are followed one by one: it can build
everything, and what a function uses of it is what stands behind `ctx.` in its `main.py` and in its edge.
`if TYPE_CHECKING:` is not followed. What goes by names that are made up at run time is not seen, so
`import_module` takes a literal only.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

PACKAGE = "shared"
COMPOSITION = "shared.context"
PARTS = "shared.wiring."
CONTEXT = "Context"
MAIN = "main"

Symbol = tuple[str, str]
"""Module and name in it; a context's member, wherever it stands: `("shared.context", "Context.jobs")`."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ALWAYS = ("__init__", "for_request")


class Untraceable(Exception):
    """An import that cannot be followed."""


@dataclass(frozen=True)
class Reach:
    """What was reached: modules by name with their files, and the symbols with their definitions."""

    modules: dict[str, Path]
    symbols: dict[Symbol, ast.AST]

    def members(self) -> set[str]:
        """The members of the context that were reached."""
        prefix = f"{CONTEXT}."
        return {n.removeprefix(prefix) for m, n in self.symbols if m == COMPOSITION and n.startswith(prefix)}


def reach(root: Path, main: Path, without: Iterable[str] = ()) -> Reach:
    """Walk from `main`, with the package `shared` under `root`.

    `without` names members of the context that are not followed. Raises `Untraceable`.
    """
    walk = _Walk(root, main, frozenset(without))
    walk.load(MAIN)
    for name in walk.modules[MAIN].definitions:
        walk.refer((MAIN, name))
    found = {name: module.path for name, module in walk.modules.items() if name != MAIN}
    return Reach(found, walk.symbols)


@dataclass
class _Module:
    name: str
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return _parse(self.path.read_bytes())

    @cached_property
    def definitions(self) -> dict[str, ast.AST]:
        """Functions and classes by name; in the composition root, members instead of classes."""
        found: dict[str, ast.AST] = {}
        for node in _statements(self.tree):
            if isinstance(node, ast.ClassDef) and _composes(self.name):
                members = (n for n in node.body if isinstance(n, _FUNCTIONS))
                found |= {f"{CONTEXT}.{member.name}": member for member in members}
            elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                found[node.name] = node
        return found

    @cached_property
    def top(self) -> list[ast.AST]:
        """What runs when the module is loaded: all but the bodies of its definitions."""
        rest: list[ast.AST] = []
        for node in _statements(self.tree):
            if isinstance(node, _FUNCTIONS):
                rest += [*node.decorator_list, *(d for d in node.args.defaults + node.args.kw_defaults if d)]
            elif isinstance(node, ast.ClassDef):
                inside = (n for n in node.body if not isinstance(n, _FUNCTIONS))
                rest += [*node.decorator_list, *node.bases, *inside]
            else:
                rest.append(node)
        return rest


@dataclass
class _Walk:
    root: Path
    main: Path
    without: frozenset[str]
    modules: dict[str, _Module] = field(default_factory=dict)
    symbols: dict[Symbol, ast.AST] = field(default_factory=dict)

    def load(self, name: str) -> None:
        """Load a module and the packages that it is in."""
        for package in _ancestors(name):
            self._load_one(package)

    def refer(self, symbol: Symbol) -> None:
        """Reach a symbol; one that is not defined in its module came there by import."""
        module, name = symbol
        if symbol in self.symbols:
            return
        if module == COMPOSITION and name == CONTEXT:
            for always in _ALWAYS:
                self.refer((module, f"{CONTEXT}.{always}"))
            return
        home = self._home(name) if module == COMPOSITION else module
        node = self.modules[home].definitions.get(name)
        if node is None or (module == COMPOSITION and name.removeprefix(f"{CONTEXT}.") in self.without):
            return
        self.symbols[symbol] = node
        self._follow(home, [node])

    def refer_all(self, module: str) -> None:
        """Reach everything that a module defines; of the composition root, in all of its parts."""
        homes = filter(_composes, list(self.modules)) if module == COMPOSITION else [module]
        for home in homes:
            for name in self.modules[home].definitions:
                self.refer((COMPOSITION if name.startswith(f"{CONTEXT}.") else home, name))

    def _home(self, member: str) -> str:
        """The module of the composition root that defines a member; the root loads all of them."""
        root = (module for name, module in self.modules.items() if _composes(name))
        return next((module.name for module in root if member in module.definitions), COMPOSITION)

    def _load_one(self, name: str) -> None:
        if name in self.modules:
            return
        path = self.main if name == MAIN else self._file(name)
        if path is None:
            raise Untraceable(f"{name} is not a module under {self.root}")
        self.modules[name] = _Module(name, path)
        self._follow(name, self.modules[name].top)

    def _file(self, name: str) -> Path | None:
        base = self.root.joinpath(*name.split("."))
        return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)

    def _follow(self, module: str, nodes: Iterable[ast.AST]) -> None:
        """Load and refer to what stands in some code of a module."""
        bindings = self._bindings(module)
        for node in (inner for outer in nodes for inner in _runtime(outer)):
            for target, name in self._imports(node):
                self.load(target)
                if isinstance(node, ast.Import) or node not in self.modules[module].top:
                    self._bring(target, name)
            if isinstance(node, ast.Name) and node.id in bindings:
                self._bring(*bindings[node.id])
            elif isinstance(node, ast.Name):
                self.refer((module, node.id))
            self._follow_context(module, node)

    def _bring(self, module: str, name: str | None) -> None:
        self.load(module)
        if name is None:
            self.refer_all(module)
        else:
            self.refer((module, name))

    def _follow_context(self, module: str, node: ast.AST) -> None:
        """Reach `ctx.member` in mains and edge, and `self.member` in the context itself."""
        holder = "self" if _composes(module) else "ctx"
        if module != MAIN and not _composes(module) and not module.startswith(f"{PACKAGE}.edge."):
            return
        if isinstance(node, ast.Attribute) and _last_name(node.value) == holder:
            self.load(COMPOSITION)
            self.refer((COMPOSITION, f"{CONTEXT}.{node.attr}"))
        elif (module == MAIN or _composes(module)) and any(_last_name(v) == holder for v in _handed_on(node)):
            self.load(COMPOSITION)
            self.refer_all(COMPOSITION)

    def _bindings(self, module: str) -> dict[str, tuple[str, str | None]]:
        """Names that a module's top imports bind, with what they stand for."""
        found: dict[str, tuple[str, str | None]] = {}
        for node in self.modules[module].top:
            if isinstance(node, ast.ImportFrom):
                for alias, target in zip(node.names, self._imports(node), strict=False):
                    found[alias.asname or alias.name] = target
        return found

    def _imports(self, node: ast.AST) -> list[tuple[str, str | None]]:
        """What of our package a node imports: a module and a name in it, None for the whole module."""
        if isinstance(node, ast.Import):
            return [(a.name, None) for a in node.names if _ours(a.name)]
        if isinstance(node, ast.ImportFrom) and node.level:
            raise Untraceable("imports name the whole path")
        if isinstance(node, ast.ImportFrom) and _ours(node.module or ""):
            return [self._import_from(str(node.module), alias.name) for alias in node.names]
        if isinstance(node, ast.Call) and "import_module" in (_last_name(node.func), ""):
            name = node.args[0] if node.args else None
            if not isinstance(name, ast.Constant):
                raise Untraceable("import_module takes a literal")
            target = str(name.value)
            return [(target, CONTEXT if target == COMPOSITION else None)] if _ours(target) else []
        return []

    def _import_from(self, module: str, name: str) -> tuple[str, str | None]:
        inner = f"{module}.{name}"
        return (inner, None) if self._file(inner) else (module, name)


@cache
def _parse(source: bytes) -> ast.Module:
    return ast.parse(source)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a module that run."""
    for node in tree.body:
        if isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
            yield from node.orelse
        elif not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            yield node


def _runtime(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is inside, without what only type checkers read."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and _last_name(child.test) == "TYPE_CHECKING"):
            yield from _runtime(child)


def _handed_on(node: ast.AST) -> list[ast.expr]:
    """Values that a node gives to somebody else."""
    if isinstance(node, ast.Call):
        return [*node.args, *(k.value for k in node.keywords)]
    if isinstance(node, ast.Assign | ast.Return) and node.value:
        return [node.value]
    return []


def _last_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _composes(module: str) -> bool:
    return module == COMPOSITION or module.startswith(PARTS)


def _ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _ancestors(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]

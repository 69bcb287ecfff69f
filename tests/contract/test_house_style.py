"""Sizes, names and the shape of `main.py`: the rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(
    p for part in ("shared", "local", "tools", "bench", "functions") for p in (ROOT / part).rglob("*.py")
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAINS = sorted((ROOT / "functions").glob("*/main.py"))
MIGRATIONS = ROOT / "shared" / "db" / "migrations" / "versions"

FILE_LINES, FUNCTION_LINES = 400, 40
MAIN_LINES, OPERATIONS, BODY_STATEMENTS = 120, 12, 3
WORDLESS = re.compile(r"(^|_)(utils?|helpers?|common|managers?|misc|base)(_|$)")
WORDLESS_CLASS = re.compile(r"(Manager|Helper|Utils?)$")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _body(function: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a function after its docstring."""
    return function.body[1:] if ast.get_docstring(function) else function.body


def test_files_are_short():
    lengths = {_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in [*CODE, *TESTS]}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES} == {}


def test_functions_are_short():
    """A migration is one list of statements and may be longer."""
    long = {
        f"{_name(path)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in CODE
        if MIGRATIONS not in path.parents
        for node in ast.walk(_tree(path))
        if isinstance(node, FUNCTION) and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert long == {}


def test_names_say_what_is_inside():
    parts = {part for path in CODE for part in Path(_name(path)).with_suffix("").parts}
    assert {part for part in parts if WORDLESS.search(part)} == set()
    classes = {n.name for path in CODE for n in ast.walk(_tree(path)) if isinstance(n, ast.ClassDef)}
    assert {name for name in classes if WORDLESS_CLASS.search(name)} == set()


def test_packages_do_nothing_when_they_are_imported():
    assert [_name(p) for p in CODE if p.name == "__init__.py" and p.read_bytes()] == []


def test_a_function_is_a_pair_of_files():
    for folder in (p for p in (ROOT / "functions").iterdir() if p.is_dir()):
        files = {p.name for p in folder.iterdir() if p.name != "__pycache__"}
        assert files == {"main.py", "function.yaml"}, folder.name


@pytest.mark.parametrize("main", MAINS, ids=lambda p: p.parent.name)
def test_main_holds_declarations_only(main):
    tree = _tree(main)
    operations = [n for n in tree.body if isinstance(n, FUNCTION)]
    assert len(main.read_text(encoding="utf-8").splitlines()) <= MAIN_LINES
    assert len(operations) <= OPERATIONS
    assert {n.name: len(_body(n)) for n in operations if len(_body(n)) > BODY_STATEMENTS} == {}
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, *FUNCTION)
    assert all(isinstance(n, kinds) for n in tree.body)
    branches = (ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.ClassDef, ast.Lambda)
    assert not [n for n in ast.walk(tree) if isinstance(n, branches)]
    assert main.parent.name in {*(n.name for n in operations), *_assigned(tree)}, (
        "the folder is the entry point"
    )


def _assigned(tree: ast.Module) -> set[str]:
    return {
        t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)
    }

"""The walk that bundles and capabilities rely on follows what runs, and refuses what it cannot follow."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tools.reach import Untraceable, reach

FILES = {
    "shared/__init__.py": "",
    "shared/context.py": """
        from shared.wiring.notes import NoteServices

        class Context(NoteServices):
            def picture(self):
                from shared.imaging.render import render
                return render(self.notes)
            def handed_on(self):
                return something(self)
    """,
    "shared/wiring/__init__.py": "",
    "shared/wiring/notes.py": """
        from shared.core.ids import START
        from shared.wiring.clients import store

        class NoteServices:
            def __init__(self): ...
            @classmethod
            def for_request(cls): return cls()
            @property
            def notes(self):
                from shared.notes.service import Notes
                return Notes(store())
    """,
    "shared/wiring/clients.py": """
        def store():
            from shared.storage.disk import Disk
            return Disk()
    """,
    "shared/core/__init__.py": "",
    "shared/core/ids.py": "START = 1",
    "shared/notes/__init__.py": "",
    "shared/notes/service.py": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from shared.imaging.render import render

        class Notes: ...

        def export():
            from shared.notes import paper
            return paper.write()
    """,
    "shared/notes/paper.py": "def write(): import shared.notes.ink",
    "shared/notes/ink.py": "",
    "shared/imaging/__init__.py": "",
    "shared/imaging/render.py": "def render(notes): ...",
    "shared/storage/__init__.py": "",
    "shared/storage/disk.py": "class Disk: ...",
    "shared/edge/__init__.py": "",
    "shared/edge/page.py": "def page(call): return call.ctx.notes",
}
WIRING = {"shared.wiring", "shared.wiring.notes", "shared.wiring.clients"}
ALWAYS = {"shared", "shared.context", "shared.core", "shared.core.ids"} | WIRING
NOTES = {"shared.notes", "shared.notes.service", "shared.storage", "shared.storage.disk"}


def _reached(root: Path, main: str, **files: str) -> set[str]:
    for name, text in {**FILES, **files, "main.py": main}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return set(reach(root, root / "main.py").modules)


HEAD = "from shared.context import Context\n"


def test_what_the_context_could_build_but_nobody_asks_for_is_not_reached(tmp_path):
    assert _reached(tmp_path, HEAD + "def f(ctx: Context): ...") == ALWAYS


def test_a_member_brings_what_it_imports_inside_and_what_it_calls(tmp_path):
    assert _reached(tmp_path, HEAD + "def f(ctx: Context): return ctx.notes") == ALWAYS | NOTES


def test_a_member_brings_other_members(tmp_path):
    imaging = {"shared.imaging", "shared.imaging.render"}
    assert _reached(tmp_path, HEAD + "def f(ctx: Context): ctx.picture()") == ALWAYS | NOTES | imaging


@pytest.mark.parametrize("use", ["g(ctx)", "g(it=ctx)", "return ctx", "x = ctx", "ctx.handed_on()"])
def test_a_context_that_is_handed_on_can_do_everything(tmp_path, use):
    found = _reached(tmp_path, HEAD + f"def f(ctx: Context): {use}")
    assert found >= ALWAYS | NOTES | {"shared.imaging.render"}


def test_the_edge_touches_the_context_for_its_function(tmp_path):
    edge = {"shared.edge", "shared.edge.page"}
    assert _reached(tmp_path, "from shared.edge.page import page\nf = page") == ALWAYS | NOTES | edge


def test_one_name_of_a_module_does_not_bring_what_another_imports(tmp_path):
    notes = "from shared.notes.service import Notes, export\n"
    assert "shared.notes.paper" not in _reached(tmp_path, notes + "def f(): Notes()")
    assert "shared.notes.paper" in _reached(tmp_path, notes + "def f(): export()")


@pytest.mark.parametrize(
    "text",
    [
        "import shared.notes.paper",
        "from shared.notes import paper\ndef f(): paper.write()",
        "try:\n    from shared.notes.paper import write\nexcept ImportError:\n    pass",
        "def f():\n    from importlib import import_module\n    import_module('shared.notes.paper').write()",
    ],
)
def test_every_way_to_import_is_followed(tmp_path, text):
    assert "shared.notes.paper" in _reached(tmp_path, text)
    assert "shared.notes.ink" in _reached(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "from . import x",
        "def f(name):\n    import importlib\n    importlib.import_module(name)",
        "import shared.gone",
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path, text):
    with pytest.raises(Untraceable):
        _reached(tmp_path, text)

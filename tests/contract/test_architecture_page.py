"""The drawings of docs/architecture.md have every function, in the place that its manifest gives it."""

from __future__ import annotations

import re
from pathlib import Path

from shared.edge.manifest import load_all

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = load_all(ROOT / "functions")
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DRAWINGS = re.findall(r"^```mermaid\n(\w+).*?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LABELS = {
    "task": {"task"},
    "storage": {"notification"},
    "pubsub": {"event", "given up"},
    "schedule": {"every minute"},
}


def _components() -> str:
    (drawing,) = [text for kind, text in DRAWINGS if kind == "flowchart"]
    return drawing


def _groups() -> dict[str, set[str]]:
    """The functions within each frame."""
    frames = re.findall(r"^  subgraph (\w+) .*?\n(.*?)^  end", _components(), re.MULTILINE | re.DOTALL)
    return {name: set(re.findall(r"\w+", inner)) for name, inner in frames}


def _arrows() -> set[tuple[str, str, str]]:
    """From, label, to."""
    found = set()
    for line in _components().splitlines():
        parts = re.split(r"\s*(?:-->|-\.->)(?:\|([^|]*)\|)?\s*", line.strip())
        nodes = [[re.split(r"[\[(]", node.strip())[0] for node in part.split(" & ")] for part in parts[::2]]
        for index, label in enumerate(parts[1::2]):
            found |= {(a, label or "", b) for a in nodes[index] for b in nodes[index + 1]}
    return found


def test_every_function_is_in_the_frame_of_its_kind():
    assert _groups() == {
        "http": {m.name for m in MANIFESTS.values() if m.public},
        "background": {m.name for m in MANIFESTS.values() if not m.public},
    }


def test_what_is_not_public_is_called_by_what_its_kind_is_called_by():
    arrows = _arrows()
    for m in MANIFESTS.values():
        if not m.public:
            assert {label for _, label, to in arrows if to == m.name} & LABELS[m.kind], m.name


def test_only_functions_that_may_put_tasks_and_events_do():
    for start, label, _ in _arrows():
        if start in MANIFESTS and label in ("task", "event"):
            assert f"{label}s" in map(str, MANIFESTS[start].uses), start


def test_all_functions_use_what_the_frames_point_to():
    for m in MANIFESTS.values():
        uses = set(map(str, m.uses))
        assert uses & {"database", "database-system", "database-eraser"}, m.name
        assert "cache" in uses, m.name


def test_who_points_to_a_provider_uses_it():
    words = {
        "vision": {"vision"},
        "translate": {"translation"},
        "mail": {"mail"},
        "people": {"identity", "sign-ins", "forget-people"},
    }
    words |= {"results": {"results"}, "customer": {"webhooks"}}
    for start, _, to in _arrows():
        if to in words and start in MANIFESTS:
            assert words[to] & set(map(str, MANIFESTS[start].uses)), (start, to)


def test_drawings_hold_no_semicolon_which_ends_a_statement_in_them():
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for drawing in re.findall(
            r"^```mermaid\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            assert ";" not in drawing, page.name


def test_the_request_and_the_background_work_are_drawn_with_functions_that_are_there():
    drawn = [text for kind, text in DRAWINGS if kind == "sequenceDiagram"]
    assert len(drawn) == 2
    names = {name for text in drawn for name in re.findall(r"as functions/(\w+)", text)}
    assert (
        {"jobs", "on_upload", "process_image", "on_job_event", "deliver_webhook"} <= names <= set(MANIFESTS)
    )

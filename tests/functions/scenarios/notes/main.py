"""Notes: every shape of operation that the HTTP edge supports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from scenarios.in_memory import WORLD, Context

from shared.core.errors import Conflict, WorkUndone
from shared.edge import http
from shared.edge.http import Reply, Upload, mount

NoteId = Annotated[str, Field(pattern=r"^note_[0-9]+$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CreateNote(Strict):
    text: str = Field(min_length=1, max_length=2000)
    targets: list[str] = Field([], max_length=5)
    size: int = Field(1, ge=1, le=10)
    colour: Literal["red", "blue"] = "red"

    @field_validator("text")
    @classmethod
    def _polite(cls, text: str) -> str:
        if text == "rude":
            raise ValueError("Be polite.")
        return text


class Note(BaseModel):
    id: str
    text: str
    targets: list[str] = []
    size: int = 1
    file: str | None = None


class Search(Strict):
    limit: int = Field(20, ge=1, le=100)
    state: list[str] = []


class NotePage(BaseModel):
    notes: list[Note]
    limit: int
    state: list[str]


@http.post("/", auth="notes:write", rate="3/minute", status=201, errors=[Conflict])
def create_note(ctx: Context, body: CreateNote, file: Upload | None) -> Reply[Note]:
    """Write a note.

    The file is optional.
    """
    WORLD.trail.append("handler")
    WORLD.rows.append(body.text)
    if WORLD.raising is not None:
        raise WORLD.raising
    if WORLD.undone:
        WORLD.undone -= 1
        raise WorkUndone
    name = None if file is None else f"{file.filename}:{len(file.data())}"
    note = Note(id=f"note_{len(WORLD.rows)}", text=body.text, targets=body.targets, size=body.size, file=name)
    return Reply(note, headers={"Location": f"/v1/notes/{note.id}"}, etag="1")


@http.get("/", auth="notes:read")
def list_notes(ctx: Context, query: Search) -> NotePage:
    """List notes."""
    return NotePage(notes=[], limit=query.limit, state=query.state)


@http.get("/{note_id}", auth="notes:read")
def get_note(ctx: Context, note_id: NoteId) -> Note:
    """Read a note."""
    return Note(id=note_id, text="x" * 3000)


@http.patch("/{note_id}", auth="notes:write")
def change_note(ctx: Context, note_id: NoteId, body: CreateNote, if_match: str) -> Note:
    """Change a note."""
    return Note(id=note_id, text=if_match)


@http.delete("/{note_id}", auth="notes:write")
def delete_note(ctx: Context, note_id: NoteId) -> None:
    """Delete a note."""


@http.get("/{note_id}/content", auth="notes:read", produces="text/plain")
def get_content(ctx: Context, note_id: NoteId) -> Reply[bytes]:
    """Read a note's bytes."""
    return Reply(iter([b"one ", b"two"]), media_type="text/plain", headers={"Cache-Control": "max-age=60"})


@http.post("/{note_id}/touch", auth="notes:write")
def touch_note(ctx: Context, note_id: NoteId, body: Search | None) -> Note:
    """Touch a note."""
    WORLD.trail.append("handler")
    return Note(id=note_id, text="default" if body is None else str(body.limit))


@http.post("/{note_id}/copy", auth="notes:write", transaction=False)
def copy_note(ctx: Context, note_id: NoteId) -> Note:
    """Copy a note in a transaction of its own."""
    WORLD.rows.append(note_id)
    if WORLD.raising is not None:
        raise WORLD.raising
    return Note(id=note_id, text=f"copy {len(WORLD.rows)}")


@http.put("/{note_id}/file", auth="notes:write")
def replace_file(ctx: Context, note_id: NoteId, file: Upload) -> Note:
    """Replace a note's file."""
    return Note(id=note_id, text=file.content_type, file=file.filename)


@http.get("/v1/ping", auth=None, rate="2/second", transaction=False)
def ping(ctx: Context) -> Reply[Note]:
    """Answer anybody."""
    if WORLD.raising is not None:
        raise WORLD.raising
    return Reply(Note(id="note_0", text="pong"), etag="v1")


notes = mount(
    "notes",
    create_note,
    list_notes,
    get_note,
    change_note,
    delete_note,
    get_content,
    touch_note,
    copy_note,
    replace_file,
    ping,
    context=Context,
)

"""Jobs as callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from shared.core.formats import Format
from shared.core.ids import id_pattern
from shared.core.priority import Priority
from shared.jobs.states import JobState, TargetState
from shared.quotes.schemas import QuoteId
from shared.scenes.schemas import MAX_AREAS, MAX_TERMS, Flag, LeaveAlone
from shared.translation.order import Areas, Formats, LanguageOrder, Terms

JobId = Annotated[str, Field(pattern=id_pattern("job"), examples=["job_01k9z3v5w8x2y4a6b8c0d2e4f6"])]


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class CreateJob(LanguageOrder):
    """What to translate into which languages."""

    priority: Priority | None = Field(None, description="lower than what plan and size give, if wanted")
    name: str = Field("", max_length=255, description="the file's name, for people", examples=["sign.jpg"])
    quote: QuoteId | None = Field(
        None,
        description="a quote that no job has used; the job never costs more than it says",
    )

    formats: Formats = Field(
        [],
        description="files to make beside the picture in its own format; in a form with commas between them",
        examples=[["svg", "pdf"]],
    )
    exclude: Areas = Field(
        [],
        max_length=MAX_AREAS,
        description="areas of the picture that stay as they are, on every page of it; in a form as JSON",
        examples=[[[[10, 10], [200, 80]]]],
    )
    do_not_translate: Terms = Field(
        [],
        max_length=MAX_TERMS,
        description="terms that stay as they are, wherever they stand; in a form with commas between them",
        examples=[["Aspendos", "Blue Lagoon"]],
    )

    @field_validator("name")
    @classmethod
    def plain_name(cls, name: str) -> str:
        """Names are shown and downloaded under: no paths, no control characters."""
        if any(ord(c) < 32 or ord(c) == 127 or c in "/\\" for c in name) or name in {".", ".."}:
            raise PydanticCustomError("name", "A name has no slashes and no control characters.")
        return name

    @property
    def left_alone(self) -> dict[str, Any] | None:
        """What stays as it is, as the job keeps it; None when nothing is named."""
        if not self.exclude and not self.do_not_translate:
            return None
        return LeaveAlone(exclude=self.exclude, do_not_translate=self.do_not_translate).model_dump(
            mode="json"
        )


class JobError(Model):
    """Why something failed: the same slug and words as in a problem document."""

    slug: str
    title: str
    detail: str


class Failures(Model):
    """The error file beside an inbox file: why the job failed, or which of its targets did."""

    job: JobId
    error: JobError
    targets: dict[str, JobError]


class JobTarget(Model):
    """One target language of a job."""

    language: str
    state: TargetState
    flags: dict[str, list[Flag]] = Field({}, description="flags of the blocks that have any, by block id")
    error: JobError | None = None
    finished_at: datetime | None = None


class SignedUpload(Model):
    """A request that uploads the file: this method and these headers to this URL, with the file as body.

    For `resumable`, it opens a session whose URL comes back in `Location`; the bytes are PUT there.
    """

    method: Literal["PUT", "POST"]
    url: str
    headers: dict[str, str]


class JobUpload(Model):
    """Two ways to upload the file of a new job; each works until one has succeeded."""

    put: SignedUpload
    resumable: SignedUpload
    expires_at: datetime


class Job(Model):
    """A file on its way into other languages."""

    id: JobId
    state: JobState
    name: str
    medium: Literal["picture"] = "picture"
    priority: Priority = Field(description="how soon its steps are done")
    source_language: str = Field(description="as given; `auto` when it is detected")
    targets: list[JobTarget]
    parent: JobId | None = None
    quote: QuoteId | None = None
    formats: list[Format] = Field([], description="files made beside each picture in its own format")
    error: JobError | None = None
    upload: JobUpload | None = Field(None, description="only in the answer that creates the job")
    version: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None

    @property
    def etag(self) -> str:
        """Changes whenever the job does."""
        return str(self.version)


class JobPage(Model):
    """Some jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None = Field(None, description="`cursor` of the next page; null on the last")


class JobFilter(Model):
    """Which jobs to list."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")
    state: JobState | None = None


class Output(Model):
    """A file that the job made, readable by this URL until it expires."""

    kind: Literal["picture", "svg", "pdf", "hocr", "html", "scene", "receipt"]
    language: str | None
    name: str
    media_type: str
    bytes: int
    url: str
    expires_at: datetime


class Outputs(Model):
    """All files that the job made."""

    outputs: list[Output]


class Call(Model):
    """One call to a provider."""

    provider: str
    method: str
    units: int = Field(description="what the provider bills: pictures or characters")
    milliseconds: float
    retries: int = 0
    outcome: str = Field("ok", description="`ok`, or the slug of the error that it ended with")


class Step(Model):
    """One attempt at one step of the job."""

    step: Literal["recognise", "render"]
    target: str | None
    attempt: int
    outcome: Literal["done", "failed"]
    started_at: datetime
    finished_at: datetime
    calls: list[Call]
    cache_hits: int
    bytes_read: int
    bytes_written: int
    error: str | None
    credits: int = Field(0, description="credits spent with it")


class Charge(Model):
    """What a target's credits did."""

    target: str
    kind: Literal["hold", "extension", "capture", "release"]
    credits: int = Field(description="credits set aside, spent or given back; a capture gives back the rest")
    at: datetime
    reason: str | None = Field(None, description="why a target cost nothing")


class Receipt(Model):
    """Everything that was done for a job, and what it cost."""

    job: JobId
    name: str = Field("", description="the file's name")
    state: JobState
    steps: list[Step]
    provider_calls: dict[str, int] = Field(description="calls by provider")
    charges: list[Charge]
    credits: int = Field(description="credits spent")

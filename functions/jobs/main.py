"""/v1/jobs: create, read, cancel, retry and delete translation jobs, and collect what they made."""

from __future__ import annotations

from shared.context import Context
from shared.core.errors import UnsupportedMedia
from shared.edge import http
from shared.edge.http import Reply, Upload, mount
from shared.imaging.errors import TooManyPages, TooManyPixels, UnreadablePicture
from shared.jobs import errors
from shared.jobs.errors import EmptyUpload, JobEnded, JobNotFound, NothingToRetry
from shared.jobs.receipt_page import MEDIA_TYPE, POLICY
from shared.jobs.schemas import CreateJob, Job, JobFilter, JobId, JobPage, Outputs, Receipt
from shared.ledger.errors import InsufficientCredits, SpendLimitReached
from shared.quotes.errors import QuoteExceeded, QuoteExpired, QuoteMismatch, QuoteNotFound, QuoteUsed
from shared.translation.errors import UnsupportedLanguage

READ, WRITE = "jobs:read", "jobs:write"
GONE = [JobNotFound]
CREDIT_ERRORS = [InsufficientCredits, SpendLimitReached]
QUOTE_ERRORS = [QuoteNotFound, QuoteExpired, QuoteUsed, QuoteMismatch, QuoteExceeded]
TRIAL_ERRORS = [errors.BeyondTrial, errors.TrialUsedUp, errors.TrialDayUsedUp]
PICTURE_ERRORS = [EmptyUpload, UnreadablePicture, UnsupportedMedia, TooManyPixels, TooManyPages]


@http.post(
    "/",
    auth=WRITE,
    trial="begins",
    rate="120/minute",
    status=201,
    errors=[UnsupportedLanguage, *CREDIT_ERRORS, *PICTURE_ERRORS, *QUOTE_ERRORS, *TRIAL_ERRORS],
)
def create_job(ctx: Context, body: CreateJob, file: Upload | None) -> Reply[Job]:
    """Start translating a file.

    Sent as multipart with the file (up to 20 MB), the job starts at once. Sent as JSON, the answer holds
    signed requests that upload the file; the job starts when it has arrived.

    Where the deployment has a trial, a small picture into one language needs no credential. The answer then
    has a token in `X-Trial-Token`: it reads and deletes this job, and sends more pictures.
    """
    job = ctx.jobs.create(ctx.caller, body, file)
    return Reply(job, headers={"Location": f"/v1/jobs/{job.id}"})


@http.get("/", auth=READ, rate="300/minute")
def list_jobs(ctx: Context, query: JobFilter) -> JobPage:
    """List jobs, newest first."""
    return ctx.jobs.page(query)


@http.get("/{job_id}", auth=READ, trial="own", rate="1200/minute", errors=GONE, transaction=False)
def get_job(ctx: Context, job_id: JobId) -> Job:
    """Read a job."""
    return ctx.jobs.get(ctx.caller, job_id)


@http.post("/{job_id}/cancel", auth=WRITE, rate="120/minute", errors=[JobNotFound, JobEnded])
def cancel_job(ctx: Context, job_id: JobId) -> Job:
    """Stop a job; languages that are done stay done, the others are not charged."""
    return ctx.jobs.cancel(job_id)


@http.post(
    "/{job_id}/retry",
    auth=WRITE,
    rate="120/minute",
    status=201,
    errors=[JobNotFound, NothingToRetry, *CREDIT_ERRORS],
)
def retry_job(ctx: Context, job_id: JobId) -> Reply[Job]:
    """Start a new job for the languages that failed or were cancelled; what was recognised is reused."""
    job = ctx.jobs.retry(ctx.caller, job_id)
    return Reply(job, headers={"Location": f"/v1/jobs/{job.id}"})


@http.delete("/{job_id}", auth=WRITE, trial="own", rate="120/minute", status=204, errors=GONE)
def delete_job(ctx: Context, job_id: JobId) -> None:
    """Delete a job and erase its files."""
    ctx.jobs.delete(job_id)


@http.get("/{job_id}/outputs", auth=READ, trial="own", rate="300/minute", errors=GONE, transaction=False)
def list_outputs(ctx: Context, job_id: JobId) -> Outputs:
    """List the files that a job made, each with a short-lived URL."""
    return ctx.outputs.all(job_id)


@http.get("/{job_id}/receipt", auth=READ, rate="300/minute", errors=GONE, transaction=False)
def get_receipt(ctx: Context, job_id: JobId) -> Receipt:
    """Read every step, provider call and credit of a job."""
    return ctx.outputs.receipt(job_id)


@http.get(
    "/{job_id}/receipt.html",
    auth=READ,
    rate="300/minute",
    errors=GONE,
    produces=MEDIA_TYPE,
    transaction=False,
)
def get_receipt_page(ctx: Context, job_id: JobId) -> Reply[bytes]:
    """Read the receipt of a job as a page for people."""
    page = ctx.outputs.receipt_page(job_id)
    return Reply(page, headers={"Content-Security-Policy": POLICY}, media_type=MEDIA_TYPE)


WRITES = (create_job, cancel_job, retry_job, delete_job)
jobs = mount("jobs", *WRITES, list_jobs, get_job, list_outputs, get_receipt, get_receipt_page)

"""The jobs feature's refusals."""

from shared.core.errors import Conflict, Forbidden, ImangorError, NotFound, TransientError


class JobNotFound(NotFound):
    """There is no such job in this account."""


class JobEnded(Conflict):
    """The job has ended; it cannot be changed any more."""

    slug = "job-ended"


class NothingToRetry(Conflict):
    """No target of this job failed or was cancelled, or its file is gone."""

    slug = "nothing-to-retry"


class EmptyUpload(ImangorError):
    """The file is empty."""

    slug, status, title = "empty-upload", 422, "Empty file"


class UploadTooLarge(ImangorError):
    """The file is larger than the limit."""

    slug, status, title = "upload-too-large", 413, "File too large"


class SourceGone(ImangorError):
    """The file was removed before it could be read."""

    slug, status, title = "source-gone", 410, "File gone"


class UploadBeforeJob(TransientError):
    """The object is there before its job is."""

    slug = "upload-before-job"


class StepFailed(ImangorError):
    """The picture could not be processed because of a fault of ours, however often it was tried."""

    slug, title = "step-failed", "Processing failed"


class JobStuck(ImangorError):
    """The job made no progress for too long and was given up."""

    slug, title = "job-stuck", "Job given up"


class BeyondTrial(Forbidden):
    """A trial does less than that; open an account."""

    slug = "beyond-trial"


class TrialUsedUp(ImangorError):
    """This network had its pictures of today; open an account, or come back tomorrow (UTC)."""

    slug, status, title = "trial-used-up", 429, "Trial used up"


class TrialDayUsedUp(ImangorError):
    """All pictures that can be tried today were taken; open an account, or come back tomorrow (UTC)."""

    slug, status, title = "trial-day-used-up", 429, "Trial used up for today"

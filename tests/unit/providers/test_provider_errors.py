import pytest
from google.api_core import exceptions as google
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.rpc.error_details_pb2 import ErrorInfo

from shared.core.errors import DependencyDown, TransientError
from shared.providers.errors import (
    ProviderBusy,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    QuotaExhausted,
    UnsupportedPair,
    classify,
)


@pytest.mark.parametrize(
    ("error", "meaning", "again"),
    [
        (google.ResourceExhausted("Quota exceeded for quota metric"), ProviderBusy, True),
        (google.TooManyRequests("slow down"), ProviderBusy, True),
        (google.Forbidden("User Rate Limit Exceeded"), ProviderBusy, True),
        (google.PermissionDenied("Rate Limit Exceeded"), ProviderBusy, True),
        (google.Forbidden("Daily Limit Exceeded"), QuotaExhausted, False),
        (google.ResourceExhausted("dailyLimitExceeded"), QuotaExhausted, False),
        (google.ServiceUnavailable("x"), ProviderUnavailable, True),
        (google.DeadlineExceeded("x"), ProviderUnavailable, True),
        (google.InternalServerError("x"), ProviderUnavailable, True),
        (google.Unknown("x"), ProviderUnavailable, True),
        (google.Cancelled("x"), ProviderUnavailable, True),
        (google.Aborted("x"), ProviderUnavailable, True),
        (google.RetryError("x", None), ProviderUnavailable, True),
        (TransportError("x"), ProviderUnavailable, True),
        (google.InvalidArgument("Bad image data."), ProviderRefused, False),
        (google.InvalidArgument("Bad language pair: en|xx"), UnsupportedPair, False),
        (google.InvalidArgument("Target language is invalid."), UnsupportedPair, False),
        (google.Unauthenticated("x"), ProviderMisconfigured, False),
        (google.PermissionDenied("The caller does not have permission"), ProviderMisconfigured, False),
        (google.NotFound("no such model"), ProviderMisconfigured, False),
        (google.MethodNotImplemented("x"), ProviderMisconfigured, False),
        (DefaultCredentialsError("x"), ProviderMisconfigured, False),
    ],
)
def test_each_failure_has_one_meaning(error, meaning, again):
    failure = classify(error, "translate")
    assert type(failure.error) is meaning
    assert failure.again is again


def test_a_limit_per_day_is_known_by_its_details():
    info = ErrorInfo(reason="RATE_LIMIT_EXCEEDED", metadata={"quota_limit": "RequestsPerDayPerProject"})
    error = google.ResourceExhausted("Quota exceeded", details=[info], error_info=info)
    assert isinstance(classify(error, "vision").error, QuotaExhausted)


def test_what_is_no_failure_of_a_provider_stays_unknown():
    assert classify(KeyError("bug"), "vision") is None


def test_no_message_repeats_the_content_that_google_quotes():
    for error in (google.InvalidArgument("secret words"), google.PermissionDenied("secret words")):
        failure = classify(error, "vision")
        assert "secret" not in str(failure.error)


def test_only_refusals_and_used_up_quotas_are_permanent():
    assert issubclass(ProviderBusy, DependencyDown)
    assert all(issubclass(e, TransientError) for e in (ProviderUnavailable, ProviderMisconfigured))
    assert not any(e.retry for e in (QuotaExhausted, ProviderRefused, UnsupportedPair))


def test_a_call_that_failed_leaves_its_line_for_the_receipt():
    from google.api_core import exceptions

    from shared.providers.call import call, failed_call

    def rpc(seconds: float) -> None:
        raise exceptions.InvalidArgument("no")

    with pytest.raises(ProviderRefused) as raised:
        call("vision", "document_text", 3, rpc, deadline=1, attempt_seconds=1)
    line = failed_call(raised.value)
    assert line is not None
    assert (line.provider, line.units, line.retries, line.outcome) == ("vision", 3, 0, raised.value.slug)
    assert failed_call(ValueError()) is None

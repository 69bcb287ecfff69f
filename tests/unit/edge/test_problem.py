from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import FieldError, ImangorError, InvalidInput, RateLimited, Unauthenticated
from shared.edge.errors import MethodNotAllowed
from shared.edge.problem import problem


class Hostile(Exception):
    """Cannot even be named."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def every_error(kind: type[ImangorError] = ImangorError) -> list[type[ImangorError]]:
    return [kind, *(e for child in kind.__subclasses__() for e in every_error(child))]


class OddStatus(ImangorError):
    """An error of a status that we do not use elsewhere."""

    slug, status, title = "odd", 418, "Odd"


texts = st.text(st.characters())
field_errors = st.lists(st.builds(FieldError, texts, texts, texts), max_size=3)
ours = st.builds(
    lambda kind, detail, errors, after: kind(detail, errors=errors, retry_after=after),
    st.sampled_from([ImangorError, InvalidInput, RateLimited, Unauthenticated, OddStatus]),
    st.none() | texts,
    field_errors,
    st.none() | st.floats(0, 1e6),
)
others = st.sampled_from(
    [Hostile(), ValueError("x"), KeyError(), RecursionError(), MemoryError(), OSError(2, "x")]
)


@given(error=ours | others | st.just(MethodNotAllowed(["GET"])), request_id=st.text("abc-", max_size=5))
def test_every_error_becomes_a_problem(error: Exception, request_id: str):
    reply = problem(error, request_id)
    assert isinstance(reply.body, bytes)
    document = json.loads(reply.body)
    assert document["status"] == reply.status
    assert document["instance"] == f"urn:imangor:request:{request_id}"
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert all(isinstance(value, str) for value in reply.headers.values())
    if not isinstance(error, ImangorError) or error.status == 500:
        assert set(document) == {"type", "title", "status", "instance"}


def test_no_known_error_lacks_a_sentence_or_a_title():
    for kind in (e for e in every_error() if e.__module__.startswith("shared.")):
        assert (kind.__doc__ or "").strip().endswith("."), kind
        assert 400 <= kind.status < 600, kind


def test_the_type_is_a_stable_word_under_a_fixed_address():
    document = json.loads(problem(RateLimited(retry_after=0.2), "r").body)  # type: ignore[arg-type]
    assert document["type"] == "https://imangor.dev/problems/rate-limited"
    assert problem(RateLimited(retry_after=0.2), "r").headers["Retry-After"] == "1"


def test_the_detail_names_what_is_wrong_where_the_error_itself_does_not():
    wrong = [FieldError("/targets", "required", "This is required."), FieldError("/x", "type", "Odd.")]

    def detail(error: ImangorError) -> str:
        return json.loads(problem(error, "r").body)["detail"]  # type: ignore[arg-type]

    assert detail(InvalidInput(errors=wrong[:1])) == "/targets: This is required."
    assert detail(InvalidInput(errors=wrong)) == "/targets: This is required. (1 more in `errors`.)"
    assert detail(InvalidInput(errors=[FieldError("", "type", "No object.")])) == "No object."
    assert detail(InvalidInput("Own words.", errors=wrong)) == "Own words."


class WithResult(ImangorError):
    """An error that has more to tell."""

    slug, status, title = "with-result", 503, "With a result"

    @property
    def members(self) -> dict[str, object]:
        return {"result": {"quality": 0.5}}


def test_further_members_stand_beside_the_common_ones():
    document = json.loads(problem(WithResult(), "req_1").body)
    assert document["result"] == {"quality": 0.5}
    assert (document["status"], document["title"]) == (503, "With a result")

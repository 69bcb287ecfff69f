"""One tree of spans for each request, in the trace that its caller began."""

import pytest

from shared.core import config, tracing
from shared.core.tracing import Kind, Parent

CALLER = Parent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True)
HEADER = f"00-{CALLER.trace_id}-{CALLER.span_id}-01"


@pytest.fixture
def kept():
    """What was given to the exporter, a list for each request."""
    found = []
    tracing.export_to(found.append)
    yield found
    tracing.export_to(None)


@pytest.mark.parametrize(
    ("header", "cloud", "parent"),
    [
        (HEADER, None, CALLER),
        (HEADER, "0" * 32 + "/1;o=1", CALLER),
        (HEADER[:-2] + "00", None, Parent(CALLER.trace_id, CALLER.span_id, sampled=False)),
        (HEADER.replace("00-4", "cc-4") + "-more", None, CALLER),
        (None, f"{CALLER.trace_id}/{0x00F067AA0BA902B7};o=1", CALLER),
        (None, f"{CALLER.trace_id}/1", Parent(CALLER.trace_id, "0" * 15 + "1", sampled=False)),
        (None, f"{'A' * 32}/1", None),
        (HEADER.upper(), None, None),
        ("ff" + HEADER[2:], None, None),
        (f"00-{'0' * 32}-{CALLER.span_id}-01", None, None),
        (f"00-{CALLER.trace_id}-{'0' * 16}-01", None, None),
        ("", "", None),
        (None, None, None),
    ],
)
def test_the_caller_s_span_is_read_from_either_header(header, cloud, parent):
    assert tracing.read(header, cloud) == parent


def test_spans_stand_below_each_other_and_the_outermost_comes_last(kept):
    with tracing.serving("root", Kind.SERVER, CALLER) as root:
        with tracing.span("above") as above, tracing.span("below", Kind.CLIENT, {"n": 1}):
            assert tracing.current().name == "below"
        assert tracing.traceparent() == f"00-{CALLER.trace_id}-{root.id}-01"
    (spans,) = kept
    assert [(s.name, s.parent_id) for s in spans] == [
        ("below", above.id),
        ("above", root.id),
        ("root", CALLER.span_id),
    ]
    assert {s.trace.id for s in spans} == {CALLER.trace_id}
    assert all(s.began <= s.ended for s in spans)
    assert tracing.current() is None


def test_an_exception_passes_and_only_its_class_is_kept(kept):
    with (
        pytest.raises(ValueError, match="secret"),
        tracing.serving("root", Kind.SERVER, CALLER),
        tracing.span("fails"),
    ):
        raise ValueError("secret")
    assert kept[0][0].error == "ValueError"
    assert "secret" not in repr(kept[0][0].attributes) + str(kept[0][0].error)


def test_a_generator_that_waits_holds_nothing_below_it(kept):
    def parts():
        with tracing.leaf("reads", Kind.CLIENT):
            yield 1
            yield 2

    with tracing.serving("root", Kind.SERVER, CALLER) as root:
        with tracing.span("first"):
            reading = parts()
            next(reading)
            with tracing.span("between") as between:
                pass
        assert between.parent_id != root.id
        reading.close()
        with tracing.span("after") as after:
            pass
    assert after.parent_id == root.id
    assert [(s.name, s.error) for s in kept[0]] == [
        ("between", None),
        ("first", None),
        ("reads", None),
        ("after", None),
        ("root", None),
    ]


def test_whoever_began_the_trace_decides_whether_it_is_kept(kept):
    unwanted = Parent(CALLER.trace_id, CALLER.span_id, sampled=False)
    with tracing.serving("root", Kind.SERVER, unwanted) as root, tracing.span("inner") as inner:
        assert inner is None
        assert not tracing.recording()
        assert tracing.traceparent() == f"00-{CALLER.trace_id}-{root.id}-00"
    assert kept == []


@pytest.mark.parametrize(("share", "wanted"), [("0", 0), ("1", 1)])
def test_where_nobody_did_the_setting_decides(kept, monkeypatch, share, wanted):
    monkeypatch.setenv("TRACE_SAMPLE", share)
    config.forget()
    with tracing.serving("root", Kind.SERVER, None) as root:
        assert len(root.trace.id) == 32
    assert len(kept) == wanted
    config.forget()


def test_all_of_a_request_moves_to_the_trace_that_its_message_names(kept):
    other = Parent("b" * 32, "c" * 16, sampled=True)
    with tracing.serving("root", Kind.CONSUMER, CALLER) as root:
        with tracing.span("reads the message"):
            tracing.join(f"00-{other.trace_id}-{other.span_id}-01")
            tracing.join("nonsense")
        tracing.about(job="job_1", step=None)
    assert {s.trace.id for s in kept[0]} == {other.trace_id}
    assert root.parent_id == other.span_id
    assert root.attributes == {"imangor.job": "job_1"}


def test_a_request_of_very_many_spans_keeps_the_first(kept):
    with tracing.serving("root", Kind.SERVER, CALLER) as root:
        for _ in range(tracing.MOST_SPANS + 5):
            with tracing.span("again"):
                pass
    assert len(kept[0]) == tracing.MOST_SPANS + 1
    assert kept[0][-1] is root
    assert root.attributes == {"imangor.spans_dropped": 5}

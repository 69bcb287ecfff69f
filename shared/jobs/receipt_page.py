"""A receipt as a page: one HTML document that needs nothing else, with no scripts and every text escaped."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import Final

from shared.jobs.schemas import Call, Charge, Receipt, Step

MEDIA_TYPE: Final = "text/html; charset=utf-8"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy under which the page is complete."""

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f37; --bad: #c4314b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2.25rem 0 .5rem; }
code { font-size: .9em; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 0; }
dl div { background: var(--soft); border-radius: .5rem; padding: .6rem 1rem; min-width: 7rem; }
dt { font-size: .8rem; opacity: .7; }
dd { margin: 0; font-size: 1.25rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; }
tr { border-top: 1px solid var(--line); }
thead tr, tr.call { border-top: 0; }
th { font-size: .8rem; font-weight: 600; opacity: .7; white-space: nowrap; }
td.n, th.n { text-align: right; white-space: nowrap; }
tr:not(.call) td:nth-child(-n+2) { white-space: nowrap; }
tr.call td { padding-top: 0; font-size: .9rem; opacity: .75; }
.quiet { opacity: .7; }
.wide { overflow-x: auto; }
.done { color: var(--good); }
.failed { color: var(--bad); }
@media print { body { margin: 0; max-width: none; } }
"""
_STEPS: Final = (
    ("Step", ""),
    ("Began", ""),
    ("Took", "n"),
    ("Attempt", "n"),
    ("Read", "n"),
    ("Written", "n"),
    ("Known before", "n"),
    ("Credits", "n"),
    ("Outcome", ""),
)
_CHARGES: Final = (("When", ""), ("Language", ""), ("What", ""), ("Credits", "n"), ("Why", ""))


def receipt_page(receipt: Receipt) -> bytes:
    """The page, in UTF-8."""
    title = receipt.name or receipt.job
    calls = sum(receipt.provider_calls.values())
    facts = [
        ("State", str(receipt.state).replace("_", " ")),
        ("Credits spent", str(receipt.credits)),
        ("Provider calls", str(calls)),
        ("Known before", str(sum(step.cache_hits for step in receipt.steps))),
        ("Steps", str(len(receipt.steps))),
    ]
    cards = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts)
    body = [
        f'<header><h1>{escape(title)}</h1><p class="quiet">Receipt of <code>{escape(receipt.job)}</code></p>',
        f"<dl>{cards}</dl></header>",
        _table("Steps", _STEPS, "".join(map(_step, receipt.steps)), "No step has been done yet."),
        _table("Credits", _CHARGES, "".join(map(_charge, receipt.charges)), "No credits have moved."),
    ]
    head = "".join(
        [
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        ]
    )
    page = f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>'
    return page.encode(errors="replace")


def _table(title: str, columns: tuple[tuple[str, str], ...], rows: str, empty: str) -> str:
    if not rows:
        return f'<h2>{title}</h2><p class="quiet">{empty}</p>'
    heads = "".join(f'<th class="{kind}">{name}</th>' for name, kind in columns)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<h2>{title}</h2><div class="wide">{table}</div>'


def _step(step: Step) -> str:
    name = step.step if step.target is None else f"{step.step} {step.target}"
    outcome = step.outcome if step.error is None else f"{step.outcome}: {step.error}"
    cells = [
        _cell(name),
        _cell(_moment(step.started_at)),
        _number(_seconds(step.finished_at - step.started_at)),
        _number(str(step.attempt + 1)),
        _number(_bytes(step.bytes_read)),
        _number(_bytes(step.bytes_written)),
        _number(str(step.cache_hits)),
        _number(str(step.credits)),
        f'<td class="{step.outcome}">{escape(outcome)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>{''.join(map(_call, step.calls))}"


def _call(call: Call) -> str:
    retries = f", {call.retries} retried" if call.retries else ""
    units = f"{call.units:,} {'unit' if call.units == 1 else 'units'}"
    text = f"{call.provider} {call.method}: {units}, {call.milliseconds:,.0f} ms{retries}, {call.outcome}"
    return f'<tr class="call"><td colspan="{len(_STEPS)}">{escape(text)}</td></tr>'


def _charge(charge: Charge) -> str:
    cells = (_moment(charge.at), charge.target, charge.kind)
    number = _number(str(charge.credits))
    return f"<tr>{''.join(map(_cell, cells))}{number}{_cell(charge.reason or '')}</tr>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(text: str) -> str:
    return f'<td class="n">{escape(text)}</td>'


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():,.2f} s"


def _bytes(count: int) -> str:
    return f"{count:,} B" if count < 1024 else f"{count / 1024:,.1f} KiB"

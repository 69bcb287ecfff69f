"""How far this goes, and what it costs: python -m bench.simulate [--write | --check].

Reads the manifests, Terraform's environments and `bench/scaling.toml`, simulates the queues, and prints the
tables of docs/operations/scaling.md; `--write` puts them there, `--check` fails where the page has others.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from bench.scaling import model
from bench.scaling.facts import RESERVED, ROOT, Facts

PAGE = ROOT / "docs" / "operations" / "scaling.md"
ENVIRONMENT = "prod"
_START, _END = "<!-- tables, made by python -m bench.simulate --write -->\n", "<!-- end of tables -->\n"


def tables(facts: Facts) -> str:
    """All of them as Markdown."""
    parts = {
        "Connections": _connections(facts),
        "What breaks first": _limits(facts),
        "Queues against quotas": _asked(facts),
        "Waiting": _waiting(facts),
        "Costs": _costs(facts),
        "Inputs": _inputs(facts),
    }
    return "".join(f"\n### {title}\n\n{text}" for title, text in parts.items()) + "\n"


def _connections(facts: Facts) -> str:
    own = sorted(facts.connections.items(), key=lambda pair: -pair[1])
    functions = [
        [f"`{n}`", facts.manifests[n].max_instances, facts.manifests[n].pool_size, c] for n, c in own
    ]
    total = sum(facts.connections.values())
    functions.append(["all", sum(facts.manifests[n].max_instances for n in facts.connections), "", total])
    environments = []
    for e in facts.environments.values():
        there = e.number("database_connections")
        held = there * facts.work("connection_mib") / e.memory_mib
        row = [
            e.name,
            f"`{e.values['database_tier']}`",
            there,
            total + RESERVED,
            there - total - RESERVED,
            f"{held:.0%}",
        ]
        environments.append(row)
    head = [
        "environment",
        "machine",
        "`max_connections`",
        f"needed, {RESERVED} for others",
        "left",
        "of the memory, if all are used",
    ]
    return (
        _table(["function", "instances", "connections each", "connections"], functions)
        + "\n"
        + _table(head, environments)
    )


def _limits(facts: Facts) -> str:
    scales = facts.inputs["scales"]["limits"]
    rows = []
    for limit in model.limits(facts, facts.environments[ENVIRONMENT]):
        full = limit.full_at(facts.busiest)
        used = [f"{scale / full:.0%}" if scale < full else f"**{scale / full:,.1f} x**" for scale in scales]
        there = f"{limit.there_is:,.0f} {limit.unit}"
        rows.append([limit.name, there, *used, f"{full:,.0f}", facts.inputs["then"][limit.name]])
    head = ["limit", "there is", *(f"at {scale:,}" for scale in scales), "reached at", "what takes its place"]
    return _table(head, rows)


def _asked(facts: Facts) -> str:
    rows = [
        [a.of, *(f"{number:,.0f}" for number in (a.by_places, a.by_rates, a.quota))]
        for a in model.asked_of_providers(facts)
    ]
    return _table(["a minute", "all places at most", "the queues' rates alone", "quota"], rows)


def _waiting(facts: Facts) -> str:
    rows = []
    for scale in facts.inputs["scales"]["waits"]:
        for priority, (lane, work, outcome) in model.waits(facts, scale).items():
            row = [f"{scale:,}", priority, f"{work.offered:,.1f} of {lane.places}"]
            if outcome is None:
                rows.append([*row, "grows", "", ""])
                continue
            took = f"{outcome.mean_picture:.1f} / {outcome.picture_95:.1f}"
            waited = f"{outcome.mean_wait:.2f} / {outcome.wait_95:.2f}"
            rows.append([*row, waited, f"{model.estimate(lane, work):.2f}", took])
    head = [
        "scale",
        "priority",
        "places asked for",
        "a task waits, mean / 95 %",
        "by Erlang",
        "a picture takes, mean / 95 %",
    ]
    return _table(head, rows)


def _costs(facts: Facts) -> str:
    thousand = model.per_thousand(facts)
    parts = sorted(
        {part for costs in thousand.values() for part in costs},
        key=lambda part: -thousand["pictures"].get(part, 0),
    )
    rows = [[part, *(f"{c[part]:.2f}" if part in c else "" for c in thousand.values())] for part in parts]
    rows.append(["all", *(f"{sum(c.values()):.2f}" for c in thousand.values())])
    head = ["US dollars", *(f"1,000 {what}" for what in thousand)]
    fixed = {e.name: model.a_month(facts, e) for e in facts.environments.values()}
    monthly = [[part, *(f"{costs[part]:.0f}" for costs in fixed.values())] for part in fixed[ENVIRONMENT]]
    monthly.append(["all", *(f"{sum(costs.values()):.0f}" for costs in fixed.values())])
    return _table(head, rows) + "\n" + _table(["US dollars a month, without work", *fixed], monthly)


def _inputs(facts: Facts) -> str:
    work = {name: entry for name, entry in facts.inputs["work"].items() if "value" in entry}
    rows = [[f"`{name}`", f"{entry['value']:,g}", entry["from"]] for name, entry in work.items()]
    outside = [
        [
            f"`{name}`",
            f"{entry['usd']:.10f}".rstrip("0") if "usd" in entry else _said(entry["value"]),
            entry["source"],
            entry["sure"],
        ]
        for group in ("quotas", "prices")
        for name, entry in facts.inputs[group].items()
    ]
    return (
        _table(["work at the scale of 1", "", "from"], rows)
        + "\n"
        + _table(["quota or price", "", "source", "sure"], outside)
    )


def _said(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(head: list[str], rows: Iterable[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def page(facts: Facts) -> str:
    """The page with the tables that there should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_START)
    return before + _START + tables(facts) + _END + rest.partition(_END)[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the page's tables")
    parser.add_argument("--check", action="store_true", help="compare the page's tables")
    options = parser.parse_args(arguments)
    facts = Facts()
    if options.write:
        PAGE.write_text(page(facts), encoding="utf-8")
    elif options.check and PAGE.read_text(encoding="utf-8") != page(facts):
        print(f"{PAGE.name} has other tables: python -m bench.simulate --write", file=sys.stderr)
        return 1
    elif not options.check:
        print(tables(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())

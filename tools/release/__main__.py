"""Traffic of a deployment: python -m tools.release pin | run | back | smoke | settled | show.

pin    name the serving revisions, before a deployment
run    smoke the new revisions, move traffic to them in steps, take everything back when errors come
back   give all traffic back to the revisions before
smoke  ask every function once, where traffic is not pinned
settled  fail unless every function serves its newest revision alone, so that a migration may contract
show   what is served

`run` after an interruption goes on where it was. Works as the account that runs it, and from within the
network, because functions answer nobody else: see docs/operations/deploy.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from shared.edge.manifest import load_all
from tools.release.cloud import Cloud, CloudRefused, Place, connect
from tools.release.release import Pace, ProofFailed, Release

ROOT = Path(__file__).resolve().parents[2]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="Traffic of a deployment.")
    parser.add_argument("what", choices=("pin", "run", "back", "smoke", "settled", "show"))
    parser.add_argument("--project", default=os.environ.get("GOOGLE_CLOUD_PROJECT"))
    parser.add_argument("--number", required=True, help="the project's number")
    parser.add_argument("--region", default="us-central1")
    parser.add_argument("--rungs", default="5,25,50", help="percents that public functions go through")
    parser.add_argument("--watch", type=int, default=600, metavar="SECONDS", help="how long at each")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None, cloud: Cloud | None = None) -> int:
    """Run the command; 1 when a release was taken back, 2 when the cloud could not be asked."""
    options = _options(arguments)
    place = Place(options.project, options.number, options.region)
    pace = Pace(tuple(int(rung) for rung in options.rungs.split(",") if rung), options.watch)
    paths = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]
    release = Release(cloud or connect(place), load_all(ROOT / "functions"), paths, pace, _say)
    try:
        return _do(release, options.what)
    except ProofFailed as failure:
        _say(str(failure))
        return 1
    except CloudRefused as refused:
        print(refused, file=sys.stderr)
        return 2


def _do(release: Release, what: str) -> int:
    if what == "run":
        return 0 if release.run() else 1
    if what == "settled":
        return 0 if release.settled() else 1
    if what == "show":
        for service in release.look():
            shares = ", ".join(
                f"{t.revision or 'latest'} {t.percent}% {t.tag or ''}".rstrip() for t in service.traffic
            )
            _say(f"{service.name}: {shares}")
        return 0
    {"pin": release.pin, "back": release.take_back, "smoke": release.smoke}[what]()
    return 0


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Projects of branches: python -m tools.branches up BRANCH | sweep [--remote NAME].

up     make the branch's project, if it is not there: billing, state, image repository; prints it as shell
variables
sweep  shut down the projects of branches that are gone

An environment is a project, so that ending one ends everything in it; Google keeps it for 30 days. Calls
`gcloud` and `git`, and nothing of ours: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from typing import Any

LABEL = "imangor-branch"
_LONGEST = 30


def project_id(branch: str) -> str:
    """The id of a branch's project: readable, and another for every branch. Google's ids have 6 to 30
    characters.
    """
    digest = hashlib.sha256(branch.encode()).hexdigest()[:6]
    words = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    return f"img-{words[: _LONGEST - 11].strip('-') or 'b'}-{digest}"


def doomed(projects: list[dict[str, Any]], branches: list[str]) -> list[str]:
    """Ids of live projects that belong to none of the branches."""
    wanted = {project_id(branch) for branch in branches}
    return sorted(
        p["projectId"]
        for p in projects
        if p.get("lifecycleState") == "ACTIVE"
        and p.get("labels", {}).get(LABEL) == p["projectId"]
        and p["projectId"] not in wanted
    )


def up(branch: str, folder: str, billing_account: str, region: str) -> str:
    """Make the project of a branch, as far as it is not there; gives its number."""
    project = project_id(branch)
    known = _gcloud("projects", "list", f"--filter=projectId={project}", "--format=json")
    if not json.loads(known):
        _gcloud("projects", "create", project, f"--folder={folder}", f"--labels={LABEL}={project}", "--quiet")
    _gcloud("billing", "projects", "link", project, f"--billing-account={billing_account}")
    needed = ("cloudresourcemanager", "serviceusage", "storage", "artifactregistry", "compute", "run")
    _gcloud("services", "enable", *(f"{api}.googleapis.com" for api in needed), f"--project={project}")
    if not _there("storage", "buckets", "describe", f"gs://{project}-state"):
        private = ("--uniform-bucket-level-access", "--public-access-prevention")
        place = (f"--project={project}", f"--location={region}")
        _gcloud("storage", "buckets", "create", f"gs://{project}-state", *place, *private)
    place = (f"--project={project}", f"--location={region}")
    if not _there("artifacts", "repositories", "describe", "operations", *place):
        _gcloud("artifacts", "repositories", "create", "operations", "--repository-format=docker", *place)
    return _gcloud("projects", "describe", project, "--format=value(projectNumber)").strip()


def sweep(remote: str) -> list[str]:
    """Shut down the projects of branches that `remote` does not have; gives their ids."""
    heads = _run("git", "ls-remote", "--heads", remote).splitlines()
    branches = [line.partition("refs/heads/")[2] for line in heads]
    if not branches:
        raise SystemExit(f"{remote} tells of no branch at all; nothing is shut down")
    found = json.loads(_gcloud("projects", "list", f"--filter=labels.{LABEL}:*", "--format=json"))
    ended = doomed(found, branches)
    for project in ended:
        _gcloud("projects", "delete", project, "--quiet")
    return ended


def _gcloud(*arguments: str) -> str:
    return _run("gcloud", *arguments)


def _there(*arguments: str) -> bool:
    return subprocess.run(["gcloud", *arguments], capture_output=True, check=False).returncode == 0


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.branches", description="Projects of branches.")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("up")
    make.add_argument("branch")
    for option in ("--folder", "--billing-account", "--region"):
        make.add_argument(option, required=True)
    commands.add_parser("sweep").add_argument("--remote", default="origin")
    options = parser.parse_args(arguments)
    if options.command == "up":
        number = up(options.branch, options.folder, options.billing_account, options.region)
        print(f"PROJECT={project_id(options.branch)}\nNUMBER={number}")
    else:
        for project in sweep(options.remote):
            print(f"shut down {project}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

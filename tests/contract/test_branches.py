"""Projects of branches are made, and shut down when their branch is gone."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import branches
from tools.branches import LABEL, doomed, project_id


@given(st.text(min_size=1, max_size=80))
def test_a_branchs_project_has_an_id_that_google_takes(branch):
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", project_id(branch))


def test_branches_that_look_alike_have_projects_of_their_own():
    assert len({project_id(b) for b in ("a/b", "a-b", "A-b", "a--b", "a" * 60, "a" * 61)}) == 6


def _project(branch, **more):
    return {
        "projectId": project_id(branch),
        "lifecycleState": "ACTIVE",
        "labels": {LABEL: project_id(branch)},
    } | more


def test_only_labelled_projects_of_branches_that_are_gone_are_doomed():
    projects = [
        _project("gone"),
        _project("here"),
        _project("ended", lifecycleState="DELETE_REQUESTED"),
        _project("prod", labels={}),
        {"projectId": "prod", "lifecycleState": "ACTIVE", "labels": {LABEL: project_id("gone")}},
    ]
    assert doomed(projects, ["here", "main"]) == [project_id("gone")]


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A `gcloud` and a `git` that note what they were asked; answers lie in files beside them."""
    for name in ("gcloud", "git"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\ncd "$(dirname "$0")"\necho "{name} $*" >> asked\n'
            'case "$*" in *describe*--location*|*"buckets describe"*) [ -e there ] || exit 1;; esac\n'
            'case "$*" in *"projects list"*) cat list;; *Number*) echo 42;; *heads*) cat heads;; esac\n'
        )
        program.chmod(0o755)
    (tmp_path / "list").write_text("[]")
    (tmp_path / "heads").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def _asked(folder: Path) -> str:
    return (folder / "asked").read_text()


def test_the_first_push_makes_a_project_with_billing_and_a_place_for_its_state(programs, capsys):
    order = ["up", "a/b", "--folder=7", "--billing-account=0-1", "--region=r"]
    assert branches.main(order) == 0
    project, asked = project_id("a/b"), _asked(programs)
    assert capsys.readouterr().out == f"PROJECT={project}\nNUMBER=42\n"
    for wanted in (
        f"projects create {project} --folder=7 --labels={LABEL}={project}",
        f"link {project}",
        "-state",
    ):
        assert wanted in asked


def test_a_later_push_makes_nothing_anew(programs, capsys):
    (programs / "list").write_text(json.dumps([_project("a/b")]))
    (programs / "there").touch()
    branches.main(["up", "a/b", "--folder=7", "--billing-account=0-1", "--region=r"])
    assert " create " not in _asked(programs)


def test_projects_of_branches_that_are_gone_are_shut_down(programs, capsys):
    (programs / "list").write_text(json.dumps([_project("gone"), _project("a/b")]))
    (programs / "heads").write_text("1234\trefs/heads/a/b\n5678\trefs/heads/main\n")
    assert branches.main(["sweep"]) == 0
    assert capsys.readouterr().out == f"shut down {project_id('gone')}\n"
    assert f"projects delete {project_id('gone')} --quiet" in _asked(programs)
    assert _asked(programs).count("projects delete") == 1


def test_a_remote_that_tells_of_no_branch_ends_nothing(programs):
    (programs / "list").write_text(json.dumps([_project("gone")]))
    with pytest.raises(SystemExit, match="no branch"):
        branches.main(["sweep"])
    assert "delete" not in _asked(programs)

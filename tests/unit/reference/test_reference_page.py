"""The reference page: only pinned files, and nothing that the page's policy would have to allow."""

import re

import pytest

from shared.core.errors import NotFound
from shared.reference.page import HERE, POLICY, PageNotInstalled, ReferencePage, pins


def test_the_page_loads_what_is_served_beside_it_and_has_no_script_of_its_own(tmp_path):
    html = ReferencePage(tmp_path).file().data.decode()
    loaded = re.findall(r'(?:src|href)="/v1/docs/([^"]+)"', html)
    assert set(loaded) - {"start.js"} <= set(pins())
    assert not re.search(r"<script>|<style|style=|\son\w+=|https?://", html)
    assert "'unsafe" not in POLICY


def test_a_file_that_is_not_the_pinned_one_is_not_served(tmp_path):
    (tmp_path / "swagger-ui.css").write_text("body{}")
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        with pytest.raises(PageNotInstalled):
            ReferencePage(tmp_path).file(name)


@pytest.mark.parametrize("name", ["page.py", "assets.json", "..", "index.html", "page.html"])
def test_nothing_else_is_served(tmp_path, name):
    (tmp_path / "index.html").write_text("x")
    with pytest.raises(NotFound):
        ReferencePage(tmp_path).file(name)


def test_keys_that_are_typed_in_are_not_kept():
    start = (HERE / "start.js").read_text()
    assert "persistAuthorization: false" in start
    assert "validatorUrl: null" in start

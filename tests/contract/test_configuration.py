"""`docs/configuration.md` says what the code reads."""

from __future__ import annotations

from shared.core.config import Settings
from tools import configuration


def test_the_page_is_up_to_date():
    assert configuration.main(["--check"]) == 0


def test_every_setting_is_described():
    fields = [(n, f) for group in configuration.groups() for n, f in group.model_fields.items()]
    assert [name for name, field in fields if not field.description] == []
    page = configuration.document()
    assert [name for name, _ in fields if page.count(f"| `{name.upper()}` |") != 1] == []


def test_the_page_says_who_gives_a_setting():
    page = configuration.document().splitlines()
    row = {line.split("`")[1]: line for line in page if line.startswith("| `")}
    assert "| **required** | secret of the keyed hash of API keys" in row["KEY_PEPPER"]
    assert row["KEY_PEPPER"].endswith("| `keys` **secret** |")
    assert row["VISION_ENDPOINT"].endswith("| `vision` *local* |")
    assert row["CONCURRENCY"].endswith("| concurrency |")


def test_a_stale_page_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(configuration, "PATH", tmp_path / "docs" / "configuration.md")
    assert configuration.main(["--check"]) == 1
    assert "--write" in capsys.readouterr().err
    assert configuration.main(["--write"]) == 0
    assert configuration.main(["--check"]) == 0
    assert Settings.__name__ not in (tmp_path / "docs" / "configuration.md").read_text()

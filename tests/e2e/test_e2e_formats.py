"""Formats with more to them than one page of 8 bits, through the whole pipeline."""

from __future__ import annotations

import io

import numpy as np
import pytest
import requests
from PIL import Image

pytestmark = pytest.mark.cloud


def _result(caller, job):
    outputs = caller.call("GET", f"/v1/jobs/{job}/outputs").json()["outputs"]
    found = next(o for o in outputs if o["kind"] == "picture")
    return requests.get(found["url"], timeout=10).content


def test_every_page_of_a_tiff(caller, draw):
    pages = [Image.open(io.BytesIO(draw(text))) for text in ("Caution: wet floor", "No smoking")]
    out = io.BytesIO()
    pages[0].save(out, format="TIFF", save_all=True, append_images=pages[1:])
    job = caller.ended(caller.send(out.getvalue(), name="pages.tiff").json()["id"])
    assert job["state"] == "completed"
    scene = caller.call("GET", f"/v1/scenes/{job['id']}").json()
    assert [(b["page"], b["text"]) for b in scene["blocks"]] == [
        (0, "Caution: wet floor"),
        (1, "No smoking"),
    ]
    result = Image.open(io.BytesIO(_result(caller, job["id"])))
    assert result.n_frames == 2
    for page, source in enumerate(pages):
        result.seek(page)
        assert (np.array(result.convert("RGB")) != np.array(source.convert("RGB"))).any()


def test_avif(caller, draw):
    out = io.BytesIO()
    Image.open(io.BytesIO(draw())).convert("RGB").save(out, format="AVIF", quality=90)
    job = caller.ended(caller.send(out.getvalue(), name="sign.avif").json()["id"])
    assert job["state"] == "completed"
    assert Image.open(io.BytesIO(_result(caller, job["id"]))).format == "AVIF"


def test_files_beside_the_picture(caller, draw):
    fields = {"targets": "es", "source_language": "en", "formats": "svg, pdf,hocr,html"}
    reply = caller.call("POST", "/v1/jobs", data=fields, files={"file": ("sign.png", draw())})
    assert reply.status_code == 201
    assert reply.json()["formats"] == ["svg", "pdf", "hocr", "html"]
    job = caller.ended(reply.json()["id"])
    outputs = caller.call("GET", f"/v1/jobs/{job['id']}/outputs").json()["outputs"]
    made = {o["kind"]: o for o in outputs if o["language"] == "es"}
    assert set(made) == {"picture", "svg", "pdf", "hocr", "html"}
    assert made["pdf"]["name"] == "sign.es.pdf"
    first = {k: requests.get(o["url"], timeout=10).content[:15] for k, o in made.items()}
    assert first["pdf"].startswith(b"%PDF-")
    assert first["svg"].startswith(b"<svg ")
    assert first["hocr"] == first["html"] == b"<!DOCTYPE html>"

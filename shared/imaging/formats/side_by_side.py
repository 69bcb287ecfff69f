"""Source and result beside each other with their texts, as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from shared.imaging.formats.page import FinishedPage, data_uri
from shared.imaging.typesetting.scripts import is_rtl
from shared.scenes.schemas import Scene

_HEAD = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a }}
body {{ margin: 2rem auto; max-width: 1200px; padding: 0 1rem }}
.pair {{ display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-bottom: 2rem }}
figure {{ margin: 0 }}
img {{ width: 100%; height: auto; border: 1px solid #ddd }}
figcaption, th {{ color: #666; font-weight: 400; text-align: start }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border-top: 1px solid #ddd; padding: .4rem .6rem; vertical-align: top }}
td {{ unicode-bidi: plaintext }}
.flags {{ color: #a00 }}
@media (max-width: 700px) {{ .pair {{ grid-template-columns: 1fr }} }}
</style>
</head>
<body>
"""


def side_by_side(pages: Sequence[FinishedPage], scene: Scene, target: str) -> bytes:
    """The pages as they were and as they are, and a table of what became of each text.

    The source is encoded anew, so that nothing of its metadata comes along.
    """
    source = scene.language or "?"
    title = f"{source} → {target}"
    parts = [_HEAD.format(language=escape(target, quote=True), title=escape(title))]
    parts += [_pair(page, source, target) for page in pages]
    parts.append(_table(pages, scene, source, target))
    parts.append("</body>\n</html>\n")
    return "".join(parts).encode()


def _pair(page: FinishedPage, source: str, target: str) -> str:
    before = data_uri(page.picture, page.picture.rgb, page.picture.alpha)
    after = data_uri(page.picture, page.rgb, page.alpha)
    figures = "".join(
        f'<figure><img src="{uri}" alt=""><figcaption>{escape(name)}</figcaption></figure>'
        for uri, name in ((before, source), (after, target))
    )
    return f'<div class="pair">{figures}</div>\n'


def _table(pages: Sequence[FinishedPage], scene: Scene, source: str, target: str) -> str:
    drawn = {text.block.id: text for page in pages for text in page.texts}
    direction = "rtl" if is_rtl(target) else "ltr"
    rows = []
    for block in scene.blocks:
        text = drawn.get(block.id)
        flags = [] if text is None else [flag.value for flag in text.layout.flags]
        rows.append(
            f"<tr><td>{escape(block.text)}</td>"
            f'<td lang="{escape(target, quote=True)}" dir="{direction}">'
            f"{escape(text.text) if text else '<em>–</em>'}</td>"
            f'<td class="flags">{escape(", ".join(flags))}</td></tr>\n'
        )
    head = f"<tr><th>{escape(source)}</th><th>{escape(target)}</th><th></th></tr>\n"
    return f"<table>\n{head}{''.join(rows)}</table>\n"

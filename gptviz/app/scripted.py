"""A picture by the script that draws it in the app, in one piece of HTML for a notebook."""

import base64
import json
from pathlib import Path
from typing import Any

from gptviz.app.bundle import data_url
from gptviz.app.style import colours as named_colours
from gptviz.app.theme import PALETTES, Scheme
from gptviz.notebook import Html, name_for

NOTEBOOK = Path(__file__).with_name("notebook.js")
WITHOUT_SCRIPT = "A script draws this picture; run the cell again to see it."


def picture(
    script: Path, root: str, data: bytes | dict[str, Any], words: str, scheme: Scheme
) -> Html:
    """A picture by its script, which draws into an element of the class `root`."""
    palette = PALETTES[scheme]
    colours = {
        "text-color": palette.text,
        "background-color": palette.background,
        "secondary-background-color": palette.grid,
        "border-color": palette.muted,
        "primary-color": palette.accent,
        "font": "sans-serif",
        "code-font": "monospace",
    }
    packed = base64.b64encode(data).decode() if isinstance(data, bytes) else None
    sent = {
        "style": script.with_suffix(".css").read_text(encoding="utf-8"),
        "root": root,
        "packed": packed,
        "data": None if packed else data,
    }
    numbers = json.dumps(sent).replace("<", "\\u003c")  # a token may be </script>
    name = name_for(numbers)
    style = f"max-width:900px;padding:12px;color:{palette.text};background:{palette.background};"
    style += "".join(f"--st-{key}:{value};" for key, value in colours.items())
    style += named_colours(scheme)
    return Html(
        f'<div style="{style}"><div class="{name}">{WITHOUT_SCRIPT}</div>'
        f"<div><small>{words}</small></div></div>"
        f'<script type="module">import draw from "{data_url(script)}"\n'
        f'import {{ show }} from "{data_url(NOTEBOOK)}"\n'
        f'show("{name}", draw, {numbers})</script>',
        words,
    )

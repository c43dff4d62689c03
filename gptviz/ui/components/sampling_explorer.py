"""The sampling page's main picture: four sliders that redraw while they are dragged.

The browser computes the stages itself, from all the logits. They come to it once a prompt, in a
message of their own: Streamlit does not send a large message again that has not changed.
"""

import json
import math
import struct
import zlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st
from cachetools import LRUCache
from torch import Tensor

from gptviz.analysis.sampling import PRESETS
from gptviz.sampling import SamplingSettings, Stage, stages
from gptviz.tokenizers import Tokenizer
from gptviz.ui import resources, sampling_controls
from gptviz.ui.frame import View

FOLDER = Path(__file__).parent
STAGES_JS = (FOLDER / "sampling_stages.js").read_text(encoding="utf-8")
# One module for both: it keeps what the first instance brings for the second to draw.
JS = STAGES_JS + "".join(
    (FOLDER / name).read_text(encoding="utf-8")
    for name in ("sampling_pictures.js", "sampling_explorer.js")
)
CARRIER = st.components.v2.component("gptviz_sampling_logits", js=JS)
EXPLORER = st.components.v2.component(
    "gptviz_sampling_explorer",
    html='<div class="explorer"></div>',
    css=(FOLDER / "sampling_explorer.css").read_text(encoding="utf-8"),
    js=JS,
)
PIECES_SENT = 400  # likeliest tokens; a rarer one is shown by its id
EXAMPLES = 4  # of the tokens that each rule removes: as many as the table of the rules has

# What a prompt's browsers get, made once: each asks for it whenever it lets go of a slider.
_packed: LRUCache[Hashable, tuple[bytes, str]] = LRUCache(32 * 2**20, lambda pack: len(pack[0]))


def sampling_explorer(view: View, logits: Tensor, settings: SamplingSettings) -> None:
    """Draw the explorer of the logits (V,) after the prompt. Releasing a slider sets the URL."""
    data, tag = resources.shared(
        _packed,
        (view.lm.digest, view.ids),
        view.waiting,
        lambda: packed(view.lm.tokenizer, logits, view.ids),
    )

    def choose() -> None:
        sampling_controls.choose(st.session_state["explorer"]["settings"])

    with st.container(gap=None):
        CARRIER(key="explorer_logits", data=data)
        EXPLORER(
            key="explorer",
            data={
                "tag": tag,
                "settings": plain(settings),
                "removed": removed(view.lm.tokenizer, stages(logits, view.ids, settings)),
                "presets": {name: plain(preset) for name, preset in PRESETS.items()},
                "limits": {
                    name: {"min": low, "max": high, "step": 1 if name == "top_k" else 0.01}
                    for name, (low, high) in sampling_controls.RANGES.items()
                },
            },
            on_settings_change=choose,
        )


def removed(tokenizer: Tokenizer, found: Iterable[Stage]) -> dict[int, str]:
    """The pieces of the likeliest tokens that each rule removed, by id; they may be rare ones."""
    ids: set[int] = set()
    for stage in found:
        n = min(EXAMPLES, int(stage.removed.sum()))
        ids.update(stage.before.where(stage.removed, -math.inf).topk(n).indices.tolist())
    return dict(zip(ids, tokenizer.pieces(list(ids)), strict=True))


def packed(tokenizer: Tokenizer, logits: Tensor, seen: Iterable[int]) -> tuple[bytes, str]:
    """What the browser needs of a position, and a tag that stands for it.

    Little-endian: the length of a JSON header as uint32, the header (tag, seen, pieces by id),
    the logits as float32. seen holds the ids read so far, which the repetition penalty makes
    less likely.
    """
    ids = sorted(set(seen))
    numbers = logits.cpu().numpy().astype("<f4").tobytes()
    tag = f"{zlib.crc32(json.dumps(ids).encode(), zlib.crc32(numbers)):08x}"
    named = sorted({*ids, *logits.topk(min(PIECES_SENT, len(logits))).indices.tolist()})
    pieces = dict(zip(named, tokenizer.pieces(named), strict=True))
    header = json.dumps({"tag": tag, "seen": ids, "pieces": pieces}).encode()
    return struct.pack("<I", len(header)) + header + numbers, tag


def plain(settings: SamplingSettings) -> Mapping[str, Any]:
    """The settings as the URL and the browser write them: top_k 0 is off."""
    return {**asdict(settings), "top_k": settings.top_k or 0}

"""The sampling page's main picture: a text, and four sliders that redraw while they are dragged.

The browser computes the stages itself, from all the logits. They come to it once a prompt, in a
message of their own: Streamlit does not send a large message again that has not changed.
"""

import json
import math
import zlib
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import streamlit as st
from cachetools import LRUCache
from torch import Tensor

from gptviz.app import component, dice, look
from gptviz.app.frame import View
from gptviz.app.save import file_name
from gptviz.app.theme import PALETTES
from gptviz.sampling import Stage
from gptviz.subjects.sampling.analysis import PRESETS
from gptviz.subjects.sampling.columns import PROSE
from gptviz.tokenizers import Tokenizer

# Both import prompt.js: there the first keeps what it brings for the second to draw.
CARRIER = component.register(Path(__file__).with_name("logits.js"))
EXPLORER = component.register(__file__, PROSE + '<div class="explorer"></div>')
PIECES_SENT = 400  # likeliest tokens; a rarer one is shown by its id
EXAMPLES = 4  # of the tokens that each rule removes: as many as the table of the rules has

# What a prompt's browsers get, made once: each asks for it whenever it lets go of a slider.
_packed: LRUCache[Hashable, tuple[bytes, str]] = LRUCache(32 * 2**20, lambda pack: len(pack[0]))


def sampling_explorer(view: View, logits: Tensor) -> str:
    """Draw the explorer of the logits (V,) after the prompt. Releasing a slider sets the URL.

    What it shows of settings and text comes with `book`. Returns the tag of the prompt.
    """
    data, tag = look.shared(
        _packed, (view.lm.digest, view.ids), lambda: packed(view.lm.tokenizer, logits, view.ids)
    )

    def choose() -> None:
        dice.choose(st.session_state["explorer"]["settings"])

    def throw() -> None:
        dice.choose_seed(st.session_state["explorer"]["seed"])

    CARRIER(key="explorer_logits", data=data)
    # All of it is the same for one prompt, so that Streamlit does not send it and its script anew.
    EXPLORER(
        key="explorer",
        data={
            "tag": tag,
            "file": file_name("explorer"),
            "seeds": dice.LARGEST_SEED + 1,
            "tint": PALETTES[view.scheme].sequential[2],
            "presets": {name: dice.plain(preset) for name, preset in PRESETS.items()},
            "limits": {
                name: {"min": low, "max": high, "step": 1 if name in dice.WHOLE else 0.01}
                for name, (low, high) in dice.RANGES.items()
            },
        },
        on_settings_change=choose,
        on_seed_change=throw,
    )
    return tag


def removed(tokenizer: Tokenizer, found: Iterable[Stage]) -> dict[int, str]:
    """The pieces of the likeliest tokens that each rule removed, by id; they may be rare ones."""
    ids: set[int] = set()
    for stage in found:
        n = min(EXAMPLES, int(stage.removed.sum()))
        ids.update(stage.before.where(stage.removed, -math.inf).topk(n).indices.tolist())
    return dict(zip(ids, tokenizer.pieces(list(ids)), strict=True))


def packed(tokenizer: Tokenizer, logits: Tensor, seen: Sequence[int]) -> tuple[bytes, str]:
    """What the browser needs of a position, and a tag that stands for it.

    A header (tag, seen, pieces by id) and the logits as float32. seen holds the ids read so far,
    in their order, of which rules may make some less likely or forbid them.
    """
    ids = list(seen)
    numbers = logits.float().cpu().numpy()
    tag = f"{zlib.crc32(json.dumps(ids).encode(), zlib.crc32(numbers.tobytes())):08x}"
    named = sorted({*ids, *logits.topk(min(PIECES_SENT, len(logits))).indices.tolist()})
    pieces = dict(zip(named, tokenizer.pieces(named), strict=True))
    return component.pack({"tag": tag, "seen": ids, "pieces": pieces}, numbers), tag

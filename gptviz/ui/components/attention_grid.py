"""All heads of all layers at a glance, drawn on one canvas; a click chooses a head."""

import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from torch import Tensor

from gptviz.analysis.attention import shrunk
from gptviz.figures.theme import Scheme, check_labels, colour_table

FOLDER = Path(__file__).parent
COMPONENT = st.components.v2.component(
    "gptviz_attention_grid",
    html='<div class="heads"></div>',
    css=(FOLDER / "attention_grid.css").read_text(encoding="utf-8"),
    js=(FOLDER / "attention_grid.js").read_text(encoding="utf-8"),
)
LONGEST_SIDE = 64  # pixels: more would be lost at the size of a head
MOST_NAMED = 16  # tokens: more have no room beside the enlarged head


def attention_grid(
    patterns: Tensor, tokens: Sequence[str], chosen: tuple[int, int], scheme: Scheme
) -> int:
    """Draw the patterns (n_layer, H, T, T); a click on a head sets the layer and head controls.

    Not-a-number is drawn as 0. Arrow keys move from head to head, Enter chooses, and hovering
    shows a head enlarged. Returns how many tokens share one row or column: beyond 64 tokens a
    dot is the largest weight of a square block. Raises ValueError unless there is one token for
    each row.
    """
    check_labels(tokens, patterns.size(-1), "rows")

    def choose() -> None:
        layer, head = st.session_state["attention_grid"]["head"]
        st.session_state["layer"], st.session_state["head"] = int(layer), int(head)

    small, side = shrunk(patterns, LONGEST_SIDE)
    named = tokens if len(tokens) <= MOST_NAMED else ()
    data = packed(small, named, chosen, scheme)
    COMPONENT(key="attention_grid", data=data, on_head_change=choose)
    return side


def packed(
    patterns: Tensor, tokens: Sequence[str], chosen: tuple[int, int], scheme: Scheme
) -> bytes:
    """One buffer for the browser: the header's length (4 bytes) and JSON, 256 colours, pixels.

    A pixel is one byte, 0 for a weight of 0 and 255 for 1; the heads lie side by side as on the
    board, (n_layer · T, H · T).
    """
    n_layer, n_head, T, _ = patterns.shape
    header = {
        "layers": n_layer,
        "heads": n_head,
        "size": T,
        "tokens": list(tokens),
        "chosen": chosen,
        "alt": f"Attention patterns of {n_layer} layers × {n_head} heads; "
        "arrow keys move, Enter chooses a head",
    }
    text = json.dumps(header).encode()
    pixels = (patterns.nan_to_num(0.0) * 255).round().transpose(1, 2).numpy().astype(np.uint8)
    return struct.pack("<I", len(text)) + text + colour_table(scheme).tobytes() + pixels.tobytes()

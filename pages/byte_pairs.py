"""Byte pairs: a tokenizer learnt from a text, its merges, and letters that it never saw."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.byte_pairs import controls, tabs

scheme = frame_without_prompt("byte_pairs")
source = controls.source()
choices.tabs(
    {
        "size": Tab("Vocabulary size", partial(tabs.sizes, source, scheme)),
        "merges": Tab("Merge by merge", partial(tabs.merges, source, scheme), keys=tabs.MERGE_KEYS),
        "letters": Tab(
            "What falls apart", partial(tabs.letters, source, scheme), keys=tabs.TORN_KEYS
        ),
        "unknown": Tab(
            "Unknown letters", partial(tabs.unknown, source, scheme), keys=tabs.UNKNOWN_KEYS
        ),
    }
)

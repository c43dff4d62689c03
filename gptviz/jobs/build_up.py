"""One idea after another put into a model, and one number of parameters in four shapes.

All runs of a series read the same text, in as many steps of as many tokens, from the same seed.
"""

from collections.abc import Mapping
from typing import Any

from gptviz.jobs.presets import Preset, settings, shape

STEPS = 600
_NO_DROPOUT = shape(0, 1, 128, block_size=64)
_BIGRAM = Preset(
    "stage-bigram",
    "Bigram",
    "Each letter has a row of numbers, and what may follow is read from it. Nothing else: the "
    "model sees one letter, and not where it stands.",
    {**_NO_DROPOUT, "position": "none", "norm": "none", "tie_weights": False},
    settings(
        STEPS,
        batch_size=16,
        precision="float32",
        learning_rate=3e-3,
        min_learning_rate=3e-4,
        sample_interval=STEPS // 2,
        snapshots=0,
    ),
)


def _then(
    base: Preset, name: str, title: str, words: str, model: Mapping[str, Any], **more: Any
) -> Preset:
    """A stage: the one before with something more."""
    return Preset(f"stage-{name}", title, words, {**base.model, **model}, {**base.settings, **more})


_MLP = _then(
    _BIGRAM,
    "mlp",
    "Positions and MLP",
    "The model is told where a letter stands, and a block with an MLP thinks about it. It still "
    "sees no letter but the last.",
    {"n_layer": 1, "attention": False, "position": "learned"},
)
_ONE_HEAD = _then(
    _MLP,
    "one-head",
    "One masked head",
    "Attention with one head, masked: each letter can look back at those before it.",
    {"attention": True},
)
_NORMS = _then(
    _ONE_HEAD,
    "norms",
    "Norms and dropout",
    "A layer norm before each part and at the end; and a tenth of the numbers dropped at random.",
    {"norm": "pre", **dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), 0.1)},
)
_HEADS = _then(
    _NORMS,
    "heads",
    "Four heads",
    "The same width shared out among four heads, which can look at four places at once.",
    {"n_head": 4},
)
_BLOCKS = _then(
    _HEADS,
    "blocks",
    "Four blocks",
    "Four such blocks, one after another.",
    {"n_layer": 4},
)
_BPE = _then(
    _BLOCKS,
    "bpe",
    "BPE",
    "Pieces of words in place of letters: a vocabulary of 1,024 that is made from the text. As "
    "many tokens as before now hold more of it.",
    {},
    tokenizer="bpe",
    bpe_vocab_size=1024,
)
_TIED = _then(
    _BPE,
    "tied",
    "Tied weights",
    "One matrix for both ends, as in GPT-2: what turns tokens into vectors also reads the answer.",
    {"tie_weights": True},
)
STAGES = (_BIGRAM, _MLP, _ONE_HEAD, _NORMS, _HEADS, _BLOCKS, _BPE, _TIED)


def _shapes(scale: int, learning_rate: float) -> tuple[Preset, ...]:
    """Four shapes whose blocks have about as many parameters; scale is a part of their widths."""
    wide, deep, shallow = 384 // scale, 256 // scale, 512 // scale
    taught = settings(
        STEPS,
        batch_size=16,
        precision="float32",
        learning_rate=learning_rate,
        min_learning_rate=learning_rate / 10,
        sample_interval=STEPS // 2,
        snapshots=0,
    )
    return tuple(
        Preset(
            f"shape-{n_layer}x{width}-{n_head}",
            f"{n_layer} × {width}, {title}",
            f"{n_layer} blocks of width {width} with {n_head} heads of {width // n_head} each.",
            shape(n_layer, n_head, width, block_size=64),
            taught,
        )
        for n_layer, n_head, width, title in (
            (6, 6, wide, "as usual"),
            (12, 4, deep, "deep and narrow"),
            (3, 8, shallow, "shallow and wide"),
            (6, 12, wide, "more heads"),
        )
    )


# By the slug that the address has.
SHAPES: Mapping[str, tuple[Preset, ...]] = {
    "quarter": _shapes(4, 3e-3),
    "full": _shapes(1, 1e-3),
}
READY_MADE = (*STAGES, *SHAPES["quarter"])  # those that ship as curves

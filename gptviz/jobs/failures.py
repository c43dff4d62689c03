"""The failure gallery: runs that go wrong in a well-known way, each beside one that does not.

What each is said to show was seen on the plays that ship with gptviz, with seed 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gptviz.jobs.presets import Preset, settings, shape


@dataclass(frozen=True)
class Failure:
    """A run that goes wrong in a well-known way, and one with the same seed that does not."""

    preset: Preset
    baseline: Preset
    cause: str  # in a sentence
    look_at: str  # where it shows
    memorised: bool = False  # whether the samples' passages of the text are worth colouring

    @property
    def title(self) -> str:
        """What the gallery calls it."""
        return self.preset.title


def _changed(
    base: Preset,
    name: str,
    title: str,
    model: Mapping[str, Any] | None = None,
    make_text: Callable[[str], str] | None = None,
    **settings: Any,
) -> Preset:
    return replace(
        base,
        name=name,
        title=title,
        model={**base.model, **(model or {})},
        settings={**base.settings, **settings},
        make_text=make_text or base.make_text,
    )


def _first(n_characters: int) -> Callable[[str], str]:
    return lambda text: text[:n_characters]


LESSON = Preset(
    "as-it-should-be",
    "As it should be",
    "2 layers, width 128, 600 steps: what the failures are compared with.",
    shape(2, 4, 128, block_size=64),
    settings(600, learning_rate=3e-3, min_learning_rate=3e-4),
)
_DEEP = _changed(
    LESSON,
    "deep-pre-norm",
    "12 layers, norms before each part",
    shape(12, 4, 64, block_size=32),
    steps=300,
)
_STEEP = _changed(
    LESSON,
    "high-rate-warm-up",
    "High rate with a warm-up of 100 steps",
    shape(4, 4, 128, block_size=32),
    steps=300,
    warmup_steps=100,
    learning_rate=1e-2,
    min_learning_rate=1e-4,
)
_LONG = _changed(
    LESSON,
    "little-text-dropout",
    "Little text with dropout",
    shape(2, 4, 128, block_size=64, dropout=0.2),
    _first(15_000),
    steps=1500,
)
_ONE_LAYER = _changed(
    LESSON, "four-heads", "1 layer of 4 heads", shape(1, 4, 64, block_size=32), steps=1500
)

FAILURES = (
    Failure(
        _changed(LESSON, "rate-too-high", "Rate too high", learning_rate=1.0, steps=300),
        LESSON,
        "A learning rate of 1 in place of 0.003: each correction overshoots.",
        "The loss climbs far above its start while the rate is high. As the rate falls again it "
        "comes down, and ends at 5.3: worse than it began, and far above the 3.3 that counting "
        "letters alone gives.",
    ),
    Failure(
        _changed(
            LESSON,
            "rate-too-low",
            "Rate too low",
            learning_rate=1e-6,
            min_learning_rate=1e-6,
            steps=300,
        ),
        LESSON,
        "A learning rate of 0.000001: each correction is too small to matter.",
        "A smooth, almost straight line: nothing is wrong with it but its slope. The samples stay "
        "random letters.",
    ),
    Failure(
        _changed(_STEEP, "no-warm-up", "No warm-up", warmup_steps=0),
        _STEEP,
        "A rate of 0.01 from the very first step, when Adam has hardly seen a gradient.",
        "The first hundred steps: with a warm-up this rate is bearable, without one the loss "
        "stays behind to the end.",
    ),
    Failure(
        _changed(LESSON, "no-layer-norm", "No layer norm", {"norm": "none"}),
        LESSON,
        "Nothing brings the vectors between the layers to one scale.",
        "The loss sets out late and stays behind. At step 1 the gradients of attention and MLP are "
        "some forty times smaller than with norms, for the vectors that reach them are tiny.",
    ),
    Failure(
        _changed(LESSON, "no-positions", "No positions", {"position": "none"}),
        LESSON,
        "The model is not told where a token stands, only which ones came before.",
        "The loss lingers near 2.475, as good a guess as the last letter alone allows: which one "
        "came just before it and which long ago look the same. On the Attention page no head finds "
        "the token before; in the other run a head of layer 0 does.",
    ),
    Failure(
        _changed(LESSON, "too-little-data", "Too little data", make_text=_first(3000), steps=600),
        LESSON,
        "3,000 characters of text, read more than a hundred times.",
        "The training loss goes on falling while the validation loss turns and rises. Coloured in "
        "the sample: passages that stand in the text word for word.",
        memorised=True,
    ),
    Failure(
        _changed(_LONG, "no-dropout", "No dropout", shape(2, 4, 128, block_size=64)),
        _LONG,
        "15,000 characters and nothing that keeps the model from learning them by heart.",
        "Training loss and validation loss part; with dropout they part far less.",
        memorised=True,
    ),
    Failure(
        _changed(_ONE_LAYER, "one-head", "One head", {"n_head": 1}),
        _ONE_LAYER,
        "One head of width 64 in place of four of width 16: one look back at a time.",
        "Hardly a failure: the loss ends only a little higher. Many heads can be spared (Michel "
        "et al., 2019). On the Attention page, one map does what four share.",
    ),
    Failure(
        _changed(_DEEP, "deep-post-norm", "Deep with norms after", {"norm": "post"}),
        _DEEP,
        "12 layers with each norm after its part, as in the first transformer, at a rate of 0.003.",
        "The loss stops at 3.3, which is what counting letters alone gives. With norms before each "
        "part, the same depth learns at the same rate (Xiong et al., 2020).",
    ),
    Failure(
        _changed(_DEEP, "no-shortcuts", "No shortcuts", {"residual": False}),
        _DEEP,
        "12 layers, each part of which replaces what it reads in place of adding to it.",
        "The loss stops at the dotted line of counting letters: what a letter is gets lost on the "
        "way up, so only how often each one occurs can be learnt (Dong et al., 2021). The lab "
        "Shortcuts shows how the letters become all alike.",
    ),
)

"""Going downhill: gradient descent on a curve, five optimisers on a surface and on a tiny GPT."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.downhill import gpt_tabs, tabs

scheme = frame_without_prompt("downhill")
choices.tabs(
    {
        "curve": Tab("A curve", partial(tabs.curve, scheme), tabs.CURVE_KEYS),
        "surface": Tab("A surface", partial(tabs.surface, scheme), tabs.SURFACE_KEYS),
        "adam": Tab("Adam by hand", partial(tabs.adam, scheme), tabs.ADAM_KEYS),
        "gpt": Tab("A tiny GPT", partial(gpt_tabs.courses, scheme), gpt_tabs.GPT_KEYS),
        "decay": Tab("Weight decay", partial(gpt_tabs.decay, scheme), gpt_tabs.DECAY_KEYS),
    }
)

"""Build it up: from a bigram to a GPT, one idea at a time; and shapes of one budget."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.build_up import tabs
from gptviz.subjects.training import gallery_tabs

scheme = frame_without_prompt("build_up")
offer = gallery_tabs.offer_series
choices.tabs(
    {
        "stages": Tab("Stage by stage", partial(tabs.stages, scheme, offer), tabs.STAGE_KEYS),
        "shapes": Tab("Shapes of one budget", partial(tabs.shapes, scheme, offer), tabs.SHAPE_KEYS),
    }
)

"""Residual stream: how surprised the model was, what each layer would say, who wrote a logit."""

from functools import partial

from gptviz.app import choices
from gptviz.app.chips.chips import choose_token
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.residual import lens_tabs, parts_tabs, surprise_tabs

view = frame("residual")
position = choose_token(view.tokens, view.scheme)
choices.tabs(
    {
        "surprise": Tab("How surprised was it?", partial(surprise_tabs.surprise, view, position)),
        "lens": Tab("Lens", partial(lens_tabs.lens, view, position)),
        "parts": Tab("Which part wrote this logit", partial(parts_tabs.parts, view, position)),
        "added": Tab("What each part adds", partial(parts_tabs.added, view, position)),
    }
)

"""Sharing the matrix: a logit as the product of two vectors, one matrix or two, both trained."""

from functools import partial

from gptviz.app import choices
from gptviz.app.chips.chips import choose_token
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.sharing import tabs
from gptviz.subjects.training import compare_tabs, gallery_tabs

view = frame("sharing")
position = choose_token(view.tokens, view.scheme)
beside = partial(compare_tabs.draw_beside, axis="step", scheme=view.scheme, key="pair_curves")

choices.tabs(
    {
        "product": Tab("One logit", partial(tabs.product, view, position), keys=("for_token",)),
        "costs": Tab("What it saves", partial(tabs.costs, view)),
        "trained": Tab("Both trained", partial(tabs.trained, gallery_tabs.offer, beside)),
    }
)

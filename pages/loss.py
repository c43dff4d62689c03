"""From probability to loss: typed logits, −ln p, a sentence token by token, and what may come."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.loss import tabs

view = frame("loss")
choices.tabs(
    {
        "logits": Tab("Your logits", partial(tabs.of_logits, view.scheme), tabs.LOGIT_KEYS),
        "curve": Tab("p against −ln p", partial(tabs.of_probability, view.scheme), tabs.CURVE_KEYS),
        "sentence": Tab("Your text", partial(tabs.of_sentence, view)),
        "next": Tab("What may come next", partial(tabs.of_next, view), tabs.NEXT_KEYS),
    }
)

"""Scaling: the loss of a family of models over size and compute, and the law that it follows."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.scaling import families, tabs
from gptviz.subjects.scaling.family import family as settings
from gptviz.subjects.training import many

scheme = frame_without_prompt("scaling")
family = families.choose()
offer = partial(many.offer, key="train_family", name="Scaling", settings=settings)
train = partial(tabs.train, family, offer, many.steer, families.show_next)

choices.tabs(
    {
        "size": Tab("Loss against size", partial(tabs.by_size, family, scheme), tabs.SIZE_KEYS),
        "compute": Tab(
            "Loss against compute", partial(tabs.by_compute, family, scheme), tabs.COMPUTE_KEYS
        ),
        "limits": Tab("What it cannot say", partial(tabs.limits, family)),
        "train": Tab("Train them here", train),
    }
)

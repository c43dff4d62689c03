"""Schedules: the learning rate from the first step to the last, and six short runs."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.schedules import tabs

scheme = frame_without_prompt("schedules")
choices.tabs(
    {
        "rates": Tab("The rate, step by step", partial(tabs.rates, scheme), tabs.RATE_KEYS),
        "runs": Tab("Six short runs", partial(tabs.six_runs, scheme), tabs.RUN_KEYS),
    }
)

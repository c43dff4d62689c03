"""The path of a prompt through the network: large on the overview, small on every page."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import streamlit as st

from gptviz.app import component, look, run_steps, show
from gptviz.app.pages import PAGES
from gptviz.app.path.numbers import candidates, is_drawable, path_numbers, stages
from gptviz.app.path.opened import choose_stage, explain, is_there, open_stage
from gptviz.app.path.stages import STAGES
from gptviz.app.save import file_name
from gptviz.journey import Journey, likeliest_tokens

if TYPE_CHECKING:
    from gptviz.app.frame import View

COMPONENT = component.register(__file__, '<div class="path"></div>')


def path_picture(
    view: "View",
    journey: Journey,
    position: int,
    size: Literal["large", "small"],
    page: str,
    append: Callable[[int], None] | None = None,
    came: dict[str, Any] | None = None,
) -> None:
    """Draw the path, as seen from a page.

    In the large picture, a click on a token chooses it; one on a stage opens that stage in its
    place, and what is inside is told below. It ends in the likeliest tokens; a click on one calls
    `append` with its id. `came` is the token that really follows the chosen one, with its
    probability and its rank from 1: {"token", "probability", "rank"}.

    Of a long prompt, the tokens around the chosen one are drawn, and the picture says how many are
    not. Where a model computes NaN or infinity, a sentence says so instead.
    """
    if not look.look(is_drawable, journey, view.trace, position):
        show.problem(
            "Not everything that this model computes from this text is a number, so its path "
            "cannot be drawn. Its weights are broken: choose another model on the left."
        )
        return
    data = {
        "size": size,
        "stages": _stages(view, page),
        **look.look(path_numbers, view.lm.config, view.tokens, journey, position),
    }
    if size == "small":
        COMPONENT(key="path_small", data=data)
        return
    opened = open_stage(view, position)
    data |= {
        "top": candidates(look.look(likeliest_tokens, view.lm, view.trace, position)),
        "came": came,
        "canAppend": append is not None,
        "open": opened,
        "file": file_name("path"),
    }

    def clicked(key: str) -> Any:
        return st.session_state["path_large"][key]

    def choose() -> None:
        st.session_state["position"] = int(clicked("position"))

    def write() -> None:
        if append:
            append(int(clicked("append")))

    COMPONENT(
        key="path_large",
        data=data,
        on_position_change=choose,
        on_open_change=lambda: choose_stage(clicked("open")),
        on_append_change=write,
    )
    if opened:
        explain(view, position, opened["stage"])


def _stages(view: "View", here: str) -> list[dict[str, Any]]:
    query = urlencode({**run_steps.address(view.lm.name), "prompt": view.prompt})
    return [
        told
        | {
            "here": stage.page == here != "overview",
            "href": f"{stage.page}?{query}" if stage.page not in (here, "overview") else None,
            "about": PAGES[stage.page].title,
            "opens": here == "overview" and is_there(view.lm.config, stage.name),
        }
        for stage, told in zip(STAGES, stages(view.lm.config, len(view.ids)), strict=True)
    ]

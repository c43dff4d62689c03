"""What surrounds every page: the model, the prompt, the way between the pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz import checkpoints
from gptviz.activations import Trace
from gptviz.app import address, code, look, model_facts, run_steps, show
from gptviz.app.clicks import clicked
from gptviz.app.code import Code
from gptviz.app.menu import present
from gptviz.app.menu.menu import menu
from gptviz.app.pages import PAGES
from gptviz.app.path.picture import path_picture
from gptviz.app.prompt import box, row
from gptviz.app.prompt.reading import Reading, Special, in_code, reading, text_read
from gptviz.app.prompt.special import special_tokens
from gptviz.app.save import saving
from gptviz.app.streamlit_quirks import page_links, style
from gptviz.app.style import page_style
from gptviz.app.theme import Scheme, cut
from gptviz.journey import journey
from gptviz.language_model import LanguageModel
from gptviz.quoting import quoted
from gptviz.runs import Run

SIDEBAR_WIDTH = 270  # pixels: a third of a small projector's page is too much


@dataclass(frozen=True, eq=False)
class View:
    """What a page looks at: one prompt in one model."""

    lm: LanguageModel
    prompt: str  # what is read of it, where it is longer than that
    ids: tuple[int, ...]
    tokens: tuple[str, ...]  # one visible piece a token
    scheme: Scheme
    special: Special

    def read(self, text: str) -> Reading:
        """How another text is read beside the prompt. Raises ValueError in words."""
        return reading(self.lm, text, special=self.special)

    @property
    def trace(self) -> Trace:
        """Everything that happens in the model on this prompt; computed once for all browsers."""
        return look.trace(self.lm, self.ids)

    @property
    def written(self) -> str | list[int]:
        """What gives the ids in code: the prompt, or they themselves where it does not."""
        return in_code(self.lm.tokenizer, self.ids)

    def code(self, function: Callable[..., Any], *lines: str) -> Code:
        """The code of a picture, whose lines may use `lm` and `trace`; the last gives `table`."""
        return code.of_prompt(self.lm, self.written, function, *lines)


def frame(
    name: str,
    write: Callable[[LanguageModel, Reading], Reading] | None = None,
    beside: Callable[[], None] | None = None,
) -> View:
    """Draw what surrounds the page and return what it looks at; the run ends if that fails.

    write may add to the text before anything of it is drawn, and beside draws next to its box.
    """
    links, top = _surround(name)
    chosen = _model_name(links, name)
    run = run_steps.run_of(chosen)
    step = run_steps.chosen(run)
    box.text()
    try:
        way_out = ""
        lm = _model(chosen, run, step)
        way_out = "Or choose an example above."
        read = box.read(lm, special_tokens(lm))
    except (ValueError, OSError) as error:
        with links:
            _links(name)
        with top:
            row.draw()
        show.failure(error, way_out)
        st.stop()
    read = write(lm, read) if write else read
    with links:
        _links(name)
    with top:
        row.draw(lm, read, beside)
    menu(scheme())
    tokens = tuple(lm.tokenizer.pieces(read.ids))
    view = View(lm, text_read(lm.tokenizer, read), read.ids, tokens, scheme(), read.special)
    _follow_the_last_token(len(read.ids) - 1)
    if PAGES[name].top == "path":
        _small_path(view, name)
    try:
        PAGES[name].require(lm.config)
    except ValueError as error:
        show.failure(error)
        st.stop()
    return view


def frame_without_prompt(name: str) -> Scheme:
    """Draw what surrounds a page that looks at no prompt; model and prompt wait for the others."""
    links, _ = _surround(name)
    with links:
        _links(name)
    menu(scheme())
    return scheme()


def _surround(name: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """The place for the links, which know what is chosen by then, and the top of the page.

    In the top stand title and sentence; the text belongs there, too.
    """
    page = PAGES[name]
    _bring_choices_along(name)
    st.set_page_config(
        page_title=f"{page.title} · gptviz", layout="wide", initial_sidebar_state=SIDEBAR_WIDTH
    )
    st.html(style(is_dark=scheme() == "dark", presents=present.is_on()) + page_style(scheme()))
    saving()
    with st.sidebar:
        st.markdown("## gptviz")
        links = st.container(gap="xxsmall")
    top = st.container(key="page_top")
    with top, st.container(horizontal=True, vertical_alignment="bottom", key="page_head"):
        st.title(page.title, width="content", anchor=False)
        st.markdown(page.sentence, width="content")
    return links, top


def scheme() -> Scheme:
    """Whether the browser shows light or dark pages."""
    return "dark" if st.context.theme.type == "dark" else "light"


def _bring_choices_along(name: str) -> None:
    if st.session_state.get("page") != name:
        if _leads_to_another_model():
            for key in ("model", "step"):
                st.session_state.pop(key, None)
        address.arrive()
        box.end_writing()
        st.session_state["page"] = name
        st.session_state.pop("unknown_model", None)


def _leads_to_another_model() -> bool:
    """Whether a link brought here that names a model, as one on the training page does."""
    before = st.session_state.get("model")
    return before is not None and st.query_params.get("model", before) != before


def _follow_the_last_token(last: int) -> None:
    # Whoever looked at the last token of one prompt looks at the last one of the next.
    if st.session_state.get("position") == st.session_state.get("last_position", last):
        st.session_state["position"] = last
    st.session_state["last_position"] = last


def _small_path(view: View, page: str) -> None:
    way = look.look(journey, view.lm, view.trace)
    position = clicked("position", len(view.ids), len(view.ids) - 1)
    path_picture(view, way, position, size="small", page=page)


def _model_name(links: DeltaGenerator, page: str) -> str:
    names = checkpoints.names()
    if not names:
        with links:
            _links(page)
        show.problem(
            f"There is no model in {checkpoints.root()}. Train one on the page Training or with "
            f"`gptviz train`, or copy the folder of a GPT-2 model there, and load this page again."
        )
        st.stop()
    _note_an_unknown_model(names)
    before = st.session_state.get("model", names[0])
    if before not in names:  # it was deleted while this page looked at it
        st.session_state["model"] = None
    with st.sidebar:
        name = st.selectbox(
            "Model",
            names,
            key="model",
            bind="query-params",
            placeholder="Choose a model",
            on_change=lambda: st.session_state.pop("unknown_model", None),
        )
    if name is None:
        with links:
            _links(page)
        gone = f"The model {quoted(before)} is no longer there. " if before else ""
        show.problem(f"{gone}Choose another one under Model on the left.")
        st.stop()
    if unknown := st.session_state.get("unknown_model"):
        st.warning(
            f"There is no model “{show.literal(cut(unknown, 60))}” here. "
            f"What you see is of “{show.literal(name)}”."
        )
    return name


def _note_an_unknown_model(names: Sequence[str]) -> None:
    # Streamlit takes a name that its control does not know out of the address without a word.
    wanted = st.query_params.get("model")
    if "model" not in st.session_state and wanted is not None and wanted not in names:
        st.session_state["unknown_model"] = wanted


def _model(name: str, run: Run | None, step: int | None) -> LanguageModel:
    if run:
        with st.sidebar:
            st.caption(run_steps.about(run))
        name = run_steps.row(run, step, scheme())
    lm = look.model(name)
    with st.sidebar:
        model_facts.draw(lm)
    return lm


def _links(here: str) -> None:
    """Links to all pages; those of a group are drawn where it is open, as while one is read."""
    chosen = address.choices()
    for group, pages in groupby(PAGES.values(), lambda page: page.group):
        place = st.container(key=f"pages_{group.lower()}", gap="xxsmall")
        if group:
            is_open, key = PAGES[here].group == group, f"{group.lower()}_on_{here}"
            opened = place.expander(group, expanded=is_open, on_change="rerun", key=key)
            if not opened.open:
                continue
            place = opened.container(gap="xxsmall")
        page_links(place, [(Path(page.file).name, page.title) for page in pages], chosen)

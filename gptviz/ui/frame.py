"""What surrounds every page: the model, the prompt, the way between the pages."""

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException

from gptviz import checkpoints
from gptviz.activations import Trace
from gptviz.figures.theme import Scheme
from gptviz.language_model import LanguageModel
from gptviz.training.runs import Run
from gptviz.ui import parts, resources, run_steps, sampling_controls
from gptviz.ui.components.path_picture import path_picture
from gptviz.ui.examples import EXAMPLES, choose_example
from gptviz.ui.pages import PAGES

# A trace grows with the square of the length; this keeps thirty of them in a laptop's memory.
LONGEST_PROMPT = 256
LONGEST_TEXT = 20_000

SIDEBAR_WIDTH = 270  # pixels: a third of a small projector's page is too much

# Less air than Streamlit leaves, so that the main picture stands on the first screen.
STYLE = """<style>
.stMainBlockContainer { padding: 3.75rem 2.5rem 4rem; }
.stMainBlockContainer h1 { font-size: 1.75rem; padding: 0; }
.stSidebar [data-testid="stSidebarHeader"] { height: 2.5rem; }
[data-testid="stCaptionContainer"] code { font-size: 1em; }
[class*="st-key-scroll_"] { overflow-x: auto; }
[class*="st-key-scroll_"] .stElementContainer { max-width: none; }
</style>"""

# Streamlit writes white on a button of the accent colour, which is light in the dark theme.
DARK_STYLE = """<style>
[data-testid="stBaseButton-primary"]:not(:disabled) { color: #0e1117; }
</style>"""

CHOICES = (
    *("model", "step", "prompt", "layer", "head", "position", "norm", "stage", "run"),
    *sampling_controls.RANGES,
    "seed",
)


@dataclass(frozen=True, eq=False)
class View:
    """What a page looks at: one prompt in one model."""

    lm: LanguageModel
    prompt: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]  # one visible piece a token
    scheme: Scheme
    waiting: DeltaGenerator  # the place in which this run waits for the processor

    @property
    def trace(self) -> Trace:
        """Everything that happens in the model on this prompt; computed once for all browsers."""
        return resources.trace(self.lm, self.ids, self.waiting)


@dataclass(frozen=True)
class Surroundings:
    """What every page has, whatever it looks at."""

    scheme: Scheme
    waiting: DeltaGenerator  # the place in which this run waits for the processor


def frame(name: str) -> View:
    """Draw what surrounds the page and return what it looks at; the run ends if that fails."""
    around, links = _surround(name)
    chosen = _model_name(links)
    text = prompt()
    run = run_steps.run_of(chosen)
    step = run_steps.chosen(run)
    with links:
        _links()
    lm = _model(chosen, run, step, around)
    ids = _ids(lm, text)
    tokens = tuple(lm.tokenizer.pieces(ids))
    view = View(lm, text, ids, tokens, around.scheme, around.waiting)
    _follow_the_last_token(len(ids) - 1)
    if name != "overview":
        _small_path(view, name)
    return view


def frame_without_prompt(name: str) -> Surroundings:
    """Draw what surrounds a page that looks at no prompt; model and prompt wait for the others."""
    around, links = _surround(name)
    with links:
        _links()
    return around


def _surround(name: str) -> tuple[Surroundings, DeltaGenerator]:
    """The head of the page, and the place for the links, which know what is chosen by then."""
    page = PAGES[name]
    _bring_choices_along(name)
    st.set_page_config(
        page_title=f"{page.title} · gptviz", layout="wide", initial_sidebar_state=SIDEBAR_WIDTH
    )
    st.html(STYLE + DARK_STYLE if scheme() == "dark" else STYLE)
    waiting = st.empty()
    with st.sidebar:
        st.markdown("## gptviz")
        links = st.container(gap="xxsmall")
    st.title(page.title)
    st.markdown(page.sentence)
    return Surroundings(scheme(), waiting), links


def scheme() -> Scheme:
    """Whether the browser shows light or dark pages."""
    return "dark" if st.context.theme.type == "dark" else "light"


def _bring_choices_along(name: str) -> None:
    # When a page changes before its script has run twice, Streamlit forgets the choices that came
    # from the URL, unless they are made once more.
    if st.session_state.get("page") != name:
        if _leads_to_another_model():
            for key in ("model", "step"):
                st.session_state.pop(key, None)
        for key in CHOICES:
            if st.session_state.get(key) is not None:
                st.session_state[key] = st.session_state[key]
                with suppress(StreamlitAPIException):  # it is remembered, and so still in the URL
                    st.query_params[key] = str(st.session_state[key])
        st.session_state["page"] = name


def _leads_to_another_model() -> bool:
    """Whether a link brought here that names a model, as one on the training page does."""
    before = st.session_state.get("model")
    return before is not None and st.query_params.get("model", before) != before


def _follow_the_last_token(last: int) -> None:
    # Whoever looked at the last token of one prompt looks at the last one of the next.
    if st.session_state.get("position") == st.session_state.get("last_position", last):
        st.session_state["position"] = last
    st.session_state["last_position"] = last


def _small_path(view: View, place: str) -> None:
    journey = resources.journey(view.lm, view.ids, view.waiting)
    # The page's own control comes later, so in the first run the choice is only in the URL.
    chosen = str(st.session_state.get("position", st.query_params.get("position", "")))
    last = len(view.ids) - 1
    is_number = chosen.isdecimal() and len(chosen) < 10  # int() refuses thousands of digits
    position = min(int(chosen), last) if is_number else last
    likeliest = resources.likeliest(view.lm, view.ids, position, view.waiting)
    path_picture(view, journey, likeliest, position, size="small", place=place)


def _model_name(links: DeltaGenerator) -> str:
    names = checkpoints.names()
    if not names:
        with links:
            _links()
        parts.problem(
            f"There is no model in {checkpoints.root()}. Train one on the page Training or with "
            f"`gptviz train`, or copy the folder of a GPT-2 model there, and load this page again."
        )
        st.stop()
    before = st.session_state.get("model", names[0])
    if before not in names:  # it was deleted while this page looked at it
        st.session_state["model"] = None
    with st.sidebar:
        name = st.selectbox(
            "Model", names, key="model", bind="query-params", placeholder="Choose a model"
        )
    if name is None:
        with links:
            _links()
        gone = f"The model {before!r} is no longer there. " if before else ""
        parts.problem(f"{gone}Choose another one under Model on the left.")
        st.stop()
    return name


def _model(name: str, run: Run | None, step: int | None, around: Surroundings) -> LanguageModel:
    waiting = around.waiting
    try:
        if run:
            with st.sidebar:
                st.caption(run_steps.about(run))
            name = run_steps.row(run, step, around.scheme)
        lm = resources.model(name, waiting)
    except (ValueError, OSError) as error:
        parts.failure(error)
        st.stop()
    config = lm.config
    with st.sidebar:
        st.caption(
            f"{resources.n_parameters(lm, waiting):,} parameters  \n"
            f"layers {config.n_layer} · heads {config.n_head} · width {config.n_embd}  \n"
            f"context {config.block_size:,}  \n"
            f"vocabulary {config.vocab_size:,}  \n"
            f"runs on {lm.model.wte.weight.device.type.upper()}"
        )
    return lm


def prompt() -> str:
    """The text to look at: typed, or one of the examples."""
    typed = st.text_area(
        "Your text",
        EXAMPLES[0].text,
        key="prompt",
        bind="query-params",
        height=68,
        label_visibility="collapsed",
        placeholder="Type a text for the model to read",
    )
    choose_example(typed or "")
    return typed or ""


def _links() -> None:
    chosen = {key: str(st.session_state[key]) for key in CHOICES if key in st.session_state}
    for page in PAGES.values():
        st.page_link(page.file, label=page.title, query_params=chosen, width="stretch")


def prompt_ids(lm: LanguageModel, text: str) -> tuple[int, ...]:
    """The tokens of a text. Raises ValueError in words for one that the pages do not show."""
    longest = min(lm.config.block_size, LONGEST_PROMPT)
    if len(text) > LONGEST_TEXT:
        raise ValueError(
            f"{len(text):,} characters are too many to look at; shorten the text to about "
            f"{longest} tokens"
        )
    ids = lm.tokenizer.encode(text)
    if len(ids) > longest:
        raise ValueError(
            f"this text has {len(ids)} tokens, and gptviz shows up to {longest} of this "
            f"model; shorten it by {len(ids) - longest}"
        )
    return tuple(lm.ids(ids))


def _ids(lm: LanguageModel, text: str) -> tuple[int, ...]:
    try:
        return prompt_ids(lm, text)
    except ValueError as error:
        parts.failure(error, "Or choose an example above.")
        st.stop()

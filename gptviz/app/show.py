"""What every page draws the same way: a chart with its tensor's name, its numbers and its code."""

import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import streamlit as st

from gptviz import spreadsheet
from gptviz.app import pictures
from gptviz.app.code import Code
from gptviz.app.glossary import MARKED, without_marks
from gptviz.app.save import file_name
from gptviz.disk_errors import in_words
from gptviz.quoting import cut

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLES = "titles"  # where a table keeps those of its columns

# A chart can be zoomed and saved; the rest of Plotly's buttons only distract.
CHART_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
# A sentence ends where a capital or a sign follows; what looks like an end inside the mark of a
# term, or was escaped by `literal`, is none.
FIRST_SENTENCE = re.compile(
    rf"(?P<first>(?>{MARKED.pattern}|.)+?(?<!\\)[.!?])\s+(?=[^a-z\d\s])(?P<rest>.*)", re.DOTALL
)
JOINER = "\u2060"  # takes no room, and no line ends at it
# What Streamlit's Markdown reads in a text whatever is escaped: the place in it where it breaks.
READ_ANYWAY = re.compile(
    r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@[\w-]+\.)|(?<=:)(?=streamlit:)"
    r"|(?<=(?<!\S)[<>~-])(?=(?:->|[>=-])(?!\S))",
    re.IGNORECASE,
)
LONGEST_PROBLEM = 1000  # characters


def chart(
    figure: "Figure",
    *,
    key: str,
    name: str,
    shape: tuple[int, ...],
    how_to_read: str,
    table: pd.DataFrame,
    code: Code,
) -> None:
    """A figure with how to read it, the name and shape of its tensor, its numbers and its code.

    A figure that sets its own width keeps it, and scrolls where the page is narrower.
    """
    alt = plain(without_marks(f"{name}. {how_to_read}"))
    width: Literal["content", "stretch"] = "content" if figure.layout.width else "stretch"
    with st.container(key=f"scroll_{key}"):
        st.plotly_chart(
            figure, width=width, key=key, theme=None, config=_config(key, name), alt=alt
        )
    source(name, shape, how_to_read)
    numbers(table, key, code)


def charts(
    figures: Mapping[str, "Figure"],
    *,
    key: str,
    name: str,
    shape: tuple[int, ...],
    how_to_read: str,
    table: pd.DataFrame,
    code: Code,
) -> None:
    """As `chart`, for several figures of fixed widths by their titles, which belong together.

    They stand beside each other where the page is wide enough, and else below each other.
    """
    with st.container(horizontal=True, gap="small", key=key):
        for i, (title, figure) in enumerate(figures.items()):
            alt = plain(without_marks(f"{title}: {name}. {how_to_read}"))
            own = f"{key}_{i}"
            config = _config(own, f"{name} {title}")
            with st.container(key=f"scroll_{own}", width="content"):
                st.plotly_chart(
                    figure, width="content", key=own, theme=None, config=config, alt=alt
                )
    source(name, shape, how_to_read)
    numbers(table, key, code)


def source(name: str, shape: tuple[int, ...], how_to_read: str) -> None:
    """How to read a picture: one sentence, and behind "More" its tensor and the rest.

    What stands behind "More" comes with the sentence, so opening it asks nobody for anything.
    """
    first, rest = first_sentence(how_to_read)
    sizes = " × ".join(f"{size:,}" for size in shape)
    fine = f"`{name}` · {sizes}"
    pictures.tell(f"## `{name}` · {sizes}\n\n{first} {rest}")
    fine_print(first, f"{fine} — {rest}" if rest else fine)


def fine_print(sentence: str, rest: str) -> None:
    """A sentence with the rest behind "More"; both are Markdown, with quoted text `literal`."""
    folded = f'<details class="fine-print"><summary>More</summary>\n\n{rest}\n\n</details>'
    st.caption(f"{sentence}\n{folded}", unsafe_allow_html=True)


@functools.lru_cache(1024)
def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence of Markdown, beginning with a capital, and the rest."""
    found = FIRST_SENTENCE.fullmatch(text.strip())
    first, rest = (found["first"], found["rest"]) if found else (text.strip(), "")
    return first[:1].upper() + first[1:], rest


def numbers(frame: pd.DataFrame | Callable[[], pd.DataFrame], key: str, code: Code) -> None:
    """The numbers behind a picture, to read and to download, and the code that makes them.

    The numbers are sent only when opened; those of a function are also made only then.
    """
    pictures.note(key, code)
    if st.toggle("Show the numbers", key=f"{key}_numbers"):
        table(frame() if callable(frame) else frame, key)
    with st.expander("The code"):
        st.caption(f"`{code.where}`")
        st.code(code.text, language="python")


def titled(frame: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """The same table, whose columns are shown by these titles; files and code have their keys."""
    found = frame.copy()
    found.attrs[TITLES] = {name: title for name, title in titles.items() if name in frame}
    return found


def table(frame: pd.DataFrame, key: str) -> None:
    """A table to read and to download as CSV."""
    titles = frame.attrs.get(TITLES, {})
    st.dataframe(frame, hide_index=True, key=f"{key}_table", column_config=titles)
    st.download_button(
        "Download as CSV",
        data=lambda: spreadsheet.csv(frame),
        file_name=f"{key}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        on_click="ignore",
    )


def problem(text: str) -> None:
    """Say what is wrong, to the letter: the text may quote what a user typed.

    Whoever quotes shortens (gptviz.quoting); this is for what a library quotes.
    """
    st.error(literal(cut(text, LONGEST_PROBLEM)))


def failure(error: Exception | str, way_out: str = "") -> None:
    """Say what an error says as a sentence, which begins with a capital, and perhaps a way out."""
    words = error if isinstance(error, str) else in_words(error)
    if words.partition(" ")[0].isalpha():  # else it begins with a path or the name of a setting
        words = words[:1].upper() + words[1:]
    problem(f"{words}. {way_out}".rstrip())


def note(words: str) -> None:
    """Say how things are as `failure` does, where nothing is wrong."""
    st.info(literal(f"{words[:1].upper()}{words[1:]}."))


def literal(text: str) -> str:
    """Text that Markdown shows as it is: every sign that could mean something is escaped.

    Streamlit makes links of addresses, and signs such as → of ->, after it has taken the escapes
    out. A sign that nobody sees, where such a thing begins, keeps it from that.
    """
    unread = READ_ANYWAY.sub(JOINER, text.replace("\n", " "))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", unread)


def plain(text: str) -> str:
    """What Markdown shows of `literal` text, for places that show a text as it is."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).replace(JOINER, "")


def _config(key: str, tensor: str) -> dict[str, Any]:
    """Plotly's settings of a chart, which is saved as it is seen, only with twice the pixels."""
    saved = {"format": "png", "scale": 2, "filename": file_name(key, tensor)}
    return {**CHART_CONFIG, "toImageButtonOptions": saved}

"""Which text a new run reads: the plays, a file, or a pasted text."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from gptviz.app import show
from gptviz.subjects.training import settings_form
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data
from gptviz.training.config import TokenizerKind
from gptviz.training.data import TextInfo
from gptviz.training.texts import Source

TITLES = {"plays": "Shakespeare", "file": "A text file", "pasted": "A pasted text"}
AGAIN = "new_text_again"  # the text of a run whose settings were cloned
TOKENS = ("tokenizer", "bpe_vocab_size", "end_of_text")  # the settings that make tokens of a text
MOST_MEGABYTES = data.LARGEST // 1_000_000


@dataclass(frozen=True)
class Text:
    """A text that a run can read."""

    name: str
    source: Source
    info: TextInfo

    def stored(self) -> str:
        """The file that a run reads; one that somebody sent is kept. Raises OSError in words."""
        if isinstance(self.source, bytes):
            return str(data.store(self.source, self.name).resolve())
        return str(self.source.resolve())


def choose() -> Text | None:
    """The chosen text, or None where there is none yet or a sentence says why it cannot be read."""
    kind, bpe_vocab_size, end_of_text = map(settings_form.value, TOKENS)
    again: Path | None = st.session_state.get(AGAIN)
    titles = {**TITLES, "again": again.name} if again else TITLES
    chosen = st.selectbox(
        "Text to learn from",
        list(titles),
        key="new_text",
        format_func=lambda text: titles[text],
        persist_state="session",
    )
    if chosen == "file":
        name, source, key = _uploaded()
    elif chosen == "pasted":
        name, source, key = _pasted()
    else:
        path = again if again and chosen == "again" else SHAKESPEARE
        name, source, key = path.stem.capitalize(), path, str(version(path))
    if source is None:
        return None
    try:
        return Text(name, source, _checked(key, kind, bpe_vocab_size, end_of_text, source))
    except (ValueError, OSError) as error:
        show.failure(settings_form.in_words(error))
        return None


def version(path: Path) -> tuple[str, int, int]:
    """A text's path, size and time, which stand for what it holds now: for the key of a cache."""
    try:
        stat = path.stat()
    except OSError:  # reading it will say that it is gone
        return str(path), 0, 0
    return str(path), stat.st_size, stat.st_mtime_ns


def learn_from_again(path: Path) -> None:
    """Offer the text of an earlier run, and choose it."""
    if path != SHAKESPEARE:
        st.session_state[AGAIN] = path
    st.session_state["new_text"] = "plays" if path == SHAKESPEARE else "again"


def look_at(text: Text) -> None:
    """Size, tokens and beginning of the text."""
    info = text.info
    st.caption(
        f"{info.size:,} bytes · {info.told('characters')} · {info.told('tokens')} out of "
        f"{info.vocab_size:,} different ones · the last tenth is held out for validation"
    )
    st.code(info.preview, language=None, wrap_lines=True, height=220)


def _uploaded() -> tuple[str, Source | None, str]:
    file = st.file_uploader(f"A text in UTF-8, up to {MOST_MEGABYTES} MB", key="new_file")
    if file is None:
        return "", None, ""
    return Path(file.name).stem, file.getvalue(), file.file_id


def _pasted() -> tuple[str, Source | None, str]:
    text = st.text_area("Paste it here", key="new_pasted", height=150, persist_state="session")
    content = text.encode("utf-8", "replace")
    return "Pasted text", content or None, hashlib.sha256(content).hexdigest()


@st.cache_data(max_entries=64, show_spinner="Reading the text …")
def _checked(
    key: str,  # noqa: ARG001 - stands for the source, of which Streamlit looks at nothing
    kind: TokenizerKind,
    bpe_vocab_size: int,
    end_of_text: bool,
    _source: Source,
) -> TextInfo:
    return data.check(_source, kind, bpe_vocab_size, end_of_text)

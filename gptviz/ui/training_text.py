"""Which text a new run reads: the plays, a file, or what somebody pastes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data
from gptviz.training.config import TokenizerKind
from gptviz.training.data import TextInfo
from gptviz.training.texts import Source
from gptviz.ui import parts

PLAYS, FILE, PASTED = "Shakespeare", "A text file", "A pasted text"
AGAIN = "new_text_again"  # the text of a run whose settings were cloned
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


def choose(kind: TokenizerKind, bpe_vocab_size: int) -> Text | None:
    """The chosen text, or None where there is none yet or a sentence says why it cannot be read."""
    again: Path | None = st.session_state.get(AGAIN)
    options = [PLAYS, FILE, PASTED, *([again.name] if again else [])]
    chosen = st.selectbox("Text to learn from", options, key="new_text", persist_state="session")
    if chosen == FILE:
        name, source, key = _uploaded()
    elif chosen == PASTED:
        name, source, key = _pasted()
    else:
        path = again if again and chosen == again.name else SHAKESPEARE
        name, source, key = path.stem.capitalize(), path, str(version(path))
    if source is None:
        return None
    try:
        return Text(name, source, _checked(key, kind, bpe_vocab_size, source))
    except (ValueError, OSError) as error:
        parts.failure(error)
        return None


def version(path: Path) -> tuple[str, int, int]:
    """A text's path, size and time, which stand for what it holds now: for the key of a cache."""
    try:
        stat = path.stat()
    except OSError:  # whoever reads it says that it is gone
        return str(path), 0, 0
    return str(path), stat.st_size, stat.st_mtime_ns


def learn_from_again(path: Path) -> None:
    """Offer the text of an earlier run, and choose it."""
    if path != SHAKESPEARE:
        st.session_state[AGAIN] = path
    st.session_state["new_text"] = PLAYS if path == SHAKESPEARE else path.name


def look_at(text: Text) -> None:
    """Size, tokens and beginning of the text."""
    info = text.info
    st.caption(
        f"{info.size:,} bytes · {info.characters:,} characters · {info.tokens:,} tokens out of "
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
    _source: Source,
) -> TextInfo:
    return data.check(_source, kind, bpe_vocab_size)

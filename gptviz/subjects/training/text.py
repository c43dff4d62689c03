"""Which text a new run reads: the plays, a file, or a pasted text."""

import hashlib
import time
from collections import Counter
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from gptviz import jobs
from gptviz.app import allowance, show
from gptviz.app.chips.chips import ChipRow, chips, token_chips
from gptviz.app.code import Code
from gptviz.app.theme import Scheme
from gptviz.app.uploads import forget_upload
from gptviz.subjects.tokens.analysis import token_table
from gptviz.subjects.training import analysis, rights, settings_form
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data, kept
from gptviz.training.config import TokenizerKind
from gptviz.training.data import TextInfo
from gptviz.training.kept import Kept
from gptviz.training.prepare import END_OF_TEXT
from gptviz.training.settings import SETTINGS
from gptviz.training.texts import Source

PLAYS = {"plays": "Shakespeare"}
SENT = {"file": "A text file", "pasted": "A pasted text"}
AGAIN = "new_text_again"  # the text of a run whose settings were cloned
TOKENS = ("tokenizer", "bpe_vocab_size", "end_of_text")  # the settings that make tokens of a text
LONGEST_NAME = 30  # characters of a name that nobody typed
MOST_MEGABYTES = data.LARGEST // 1_000_000


@dataclass(frozen=True)
class Text:
    """A text that a run can read."""

    name: str
    source: Source
    info: TextInfo

    def stored(self) -> str:
        """The file that a run reads; what somebody sent is kept, and is chosen there from now on.

        Raises OSError in words, and ValueError for a visitor who may send none.
        """
        if not isinstance(self.source, bytes):
            return str(self.source.resolve())
        rights.require_may_send_texts()
        path = str(data.store(self.source, self.name).resolve())
        st.session_state["new_text_next"] = path  # so that the session need not hold it, too
        return path


def choose() -> Text | None:
    """The chosen text, or None where there is none yet or a sentence says why it cannot be read."""
    kind, bpe_vocab_size, end_of_text = map(settings_form.value, TOKENS)
    again: Path | None = st.session_state.get(AGAIN)
    titles = {**PLAYS, **SENT} if rights.may_send_texts() else dict(PLAYS)
    if again:
        titles["again"] = again.name
    there = {str(one.path): one for one in kept.texts()}
    named = Counter(one.name for one in there.values())
    for key, one in there.items():
        if one.path != again:
            titles[key] = one.name if named[one.name] == 1 else one.path.stem
    if (sent := st.session_state.pop("new_text_next", None)) in titles:
        st.session_state["new_text"] = sent
        for key in ("new_pasted", "new_pasted_name"):
            st.session_state.pop(key, None)
    if st.session_state.get("new_text", "plays") not in titles:  # it was deleted
        st.session_state["new_text"] = "plays"
    chosen = st.selectbox(
        "Text to learn from",
        list(titles),
        key="new_text",
        format_func=lambda text: titles[text],
        persist_state="session",
    )
    if chosen != "file":
        _hold_only(None)
    if chosen == "file":
        name, source, key = _uploaded()
    elif chosen == "pasted":
        name, source, key = _pasted()
    else:
        path = again if again and chosen == "again" else SHAKESPEARE
        name = path.stem.capitalize()
        if chosen in there:
            path, name = there[chosen].path, there[chosen].name
        source, key = path, str(version(path))
    if source is None:
        return None
    # Pairs are learnt anew for each size of a vocabulary, on all cores.
    takes_long = allowance.charged(time.monotonic) if kind == "bpe" else nullcontext()
    try:
        with takes_long:
            info = _checked(key, kind, bpe_vocab_size, end_of_text, source)
        return Text(name, source, info)
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


def look_at(text: Text, scheme: Scheme) -> None:
    """Size, tokens and beginning of the text, as letters and as tokens."""
    info = text.info
    st.caption(
        f"{info.size:,} bytes · {info.told('characters')} · {info.told('tokens')} out of "
        f"{info.vocab_size:,} different ones · the last tenth is held out for validation"
    )
    if info.ends:
        st.caption(_ends(info.ends))
    st.code(info.preview, language=None, wrap_lines=True, height=220)
    st.caption(f"Its first {len(info.first)} tokens, each with its id:")
    table = token_table(info.tokenizer, info.first)
    token_chips([ChipRow(chips(table, ids_shown=True))], scheme, key="first_tokens")
    if isinstance(text.source, Path):
        told = ", ".join(
            [f"Path({str(text.source)!r})", *map(repr, map(settings_form.value, TOKENS))]
        )
        lines = ("from pathlib import Path", f"table = first_tokens({told})")
        show.numbers(table, "first_tokens", Code(analysis.first_tokens, lines))


def _ends(n: int) -> str:
    """How `<|endoftext|>` in a text is read, and how that is changed."""
    there = f"`{END_OF_TEXT}` stands in it {n:,} time{'s' if n > 1 else ''}"
    if settings_form.value("end_of_text"):
        return f"{there}: each ends a text, and is one token."
    how = f"*{SETTINGS['end_of_text'].label}*, under All settings"
    if settings_form.value("tokenizer") == "char":
        return f"{there}, read letter by letter. A BPE can read each as one token: see {how}."
    return (
        f"{there}, read like any other letters. Each can be one token that ends a text: see {how}."
    )


def _uploaded() -> tuple[str, Source | None, str]:
    file = st.file_uploader(f"A text in UTF-8, up to {MOST_MEGABYTES} MB", key="new_file")
    _hold_only(file.file_id if file else None)
    if file is None:
        return "", None, ""
    return Path(file.name).stem, file.getvalue(), file.file_id


def _hold_only(file_id: str | None) -> None:
    """Let go of the file that was uploaded before this one."""
    before = st.session_state.get("new_file_id")
    if before not in (None, file_id):
        forget_upload(before)
    st.session_state["new_file_id"] = file_id


def _pasted() -> tuple[str, Source | None, str]:
    text = st.text_area("Paste it here", key="new_pasted", height=150, persist_state="session")
    content = text.encode("utf-8", "replace")
    name = st.text_input("Its name", key="new_pasted_name", placeholder="how it begins")
    begins = " ".join(text[:LONGEST_NAME].split())
    return name.strip() or begins, content or None, hashlib.sha256(content).hexdigest()


def look_after_kept() -> None:
    """The texts that were uploaded or pasted for a run, each with who reads it, to be deleted."""
    there = kept.texts()
    if not there or not st.toggle(f"Kept texts ({len(there)})", key="kept_texts"):
        return
    st.caption(
        "What was uploaded or pasted for a run is kept, so that the run can be resumed: up to "
        f"{kept.MOST} texts and {kept.MOST_BYTES // 1_000_000} MB. One that a run reads can be "
        "deleted after that run."
    )
    may_delete = rights.may_delete_texts()
    if not may_delete:
        st.caption(rights.TEXTS_STAY)
    if problem := st.session_state.pop("kept_problem", None):
        show.failure(problem)
    readers: dict[str, list[str]] = {}
    for run in jobs.list_runs():
        with suppress(ValueError, KeyError, OSError):  # of one whose settings are gone
            readers.setdefault(str(run.text), []).append(run.name)
    for one in there:
        by = readers.get(str(one.path), [])
        with st.container(horizontal=True, vertical_alignment="center"):
            about = f"**{show.literal(one.name)}** · {one.size:,} bytes"
            st.markdown(f"{about} · read by {show.literal(', '.join(by))}" if by else about)
            fixed = bool(by) or not may_delete
            with st.popover("Delete", disabled=fixed):
                st.markdown(f"Delete **{show.literal(one.name)}**? There is no other copy here.")
                key = f"delete_text_{one.path.stem}"
                st.button(
                    "Delete for good", key=key, disabled=fixed, on_click=_delete, args=(one, by)
                )


def _delete(one: Kept, read_by: list[str]) -> None:
    try:
        rights.require_may_delete_texts()
        kept.remove(one, read_by)
    except (ValueError, OSError) as error:
        st.session_state["kept_problem"] = str(error)


@st.cache_data(max_entries=64, show_spinner="Reading the text …")
def _checked(
    key: str,  # noqa: ARG001 - stands for the source, of which Streamlit looks at nothing
    kind: TokenizerKind,
    bpe_vocab_size: int,
    end_of_text: bool,
    _source: Source,
) -> TextInfo:
    return data.check(_source, kind, bpe_vocab_size, end_of_text)

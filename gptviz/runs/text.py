"""The very text that a run reads, so that it does not go on with another one unnoticed.

RUN/text.json   {"texts": [{"step", "bytes", "sha256"}]}: from which step on it reads what
"""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from gptviz.disk import read_json, write_json
from gptviz.runs import Run

FILE = "text.json"
PREPARED = "tokens.bin"  # what stands for a text that `gptviz prepare` tokenized
SHOWN = 12  # hexadecimal digits of a hash, in a sentence


class Text(TypedDict):
    """What a file held."""

    bytes: int
    sha256: str


def of(source: Path) -> Text:
    """The size and the hash of a text's file. Raises FileNotFoundError in words if there is none.

    A prepared text is known by its tokens.
    """
    path = source / PREPARED if source.is_dir() else source
    try:
        if not path.is_file():  # a pipe may never end
            raise FileNotFoundError(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return {"bytes": file.tell(), "sha256": digest.hexdigest()}
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no text file at {path}; check the path") from None


def require_same(run: Run) -> None:
    """Remember the text of a run that begins. Raises ValueError for one that goes on with another.

    A run of an older gptviz, which says nothing of its text, is believed.
    """
    assert run.text
    now, before = of(run.text), known(run)
    if before is None:
        _remember(run, now)
    elif now != before:
        raise ValueError(
            f"{run.text} is not the text that this run has read: that had {_in_words(before)}, now "
            f"it has {_in_words(now)}; put the old text back, or go on with the new one by "
            f"`gptviz resume {run.folder} --accept-new-data`"
        )


def accept(run: Run) -> str:
    """Let a run go on with its text as it is now; what is new, in a sentence, or "".

    Raises FileNotFoundError in words if there is no text, ValueError if a process holds the run.
    """
    run.require_own()
    assert run.text
    with run.locked():
        now, before = of(run.text), known(run)
        if now == before:
            return ""
        _remember(run, now)
        (run.folder / "token_counts.npz").unlink(missing_ok=True)  # they are counted anew
    if before is None:
        return ""
    return f"the text is another one: it had {_in_words(before)}, now it has {_in_words(now)}"


def known(run: Run) -> Text | None:
    """The text that a run read last, as far as it says so."""
    texts = _all(run)
    return {"bytes": texts[-1]["bytes"], "sha256": texts[-1]["sha256"]} if texts else None


def _remember(run: Run, text: Text) -> None:
    step = run.status.get("last_step", 0)
    write_json(run.folder / FILE, {"texts": [*_all(run), {"step": step, **text}]})


def _all(run: Run) -> list[dict]:
    with suppress(ValueError):  # a broken file knows nothing
        texts = read_json(run.folder / FILE).get("texts", [])
        if isinstance(texts, list) and all(map(_is_text, texts)):
            return texts
    return []


def _in_words(text: Text) -> str:
    return f"{text['bytes']:,} bytes (SHA-256 {text['sha256'][:SHOWN]}…)"


def _is_text(value: object) -> bool:
    return isinstance(value, dict) and {"bytes", "sha256"} <= value.keys()

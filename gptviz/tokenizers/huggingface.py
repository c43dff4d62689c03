"""Any tokenizer that the library `tokenizers` can read from a tokenizer.json."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import tokenizers

from gptviz.quoting import quoted
from gptviz.tokenizers import library, template
from gptviz.tokenizers.base import Tokenizer, no_such_id, require_characters
from gptviz.tokenizers.byte_level import BYTE_OF, unspell
from gptviz.tokenizers.visible import code_point, visible

FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
# tokenizer.json does not tell which token ends a document; by custom it has one of these names.
ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "[EOS]")
_BYTE = re.compile("<0x([0-9A-F]{2})>")


class HuggingFaceTokenizer(Tokenizer):
    """A tokenizer of the library `tokenizers`, of whichever kind.

    Its ids are those of `transformers`, without the special tokens that a template would add.
    It writes any text if its kind does: a byte-level one does, a lower-casing one does not.
    """

    def __init__(
        self,
        specification: str,
        end_of_text: str | None = None,
        added: Sequence[tokenizers.AddedToken] = (),
        *,
        overrules: bool = True,
        begin_of_text: str | None = None,
        adds: tuple[bool, bool] = (False, False),
    ):
        """Read the text of a tokenizer.json; end_of_text names the token that ends a document.

        added are tokens to add where the vocabulary lacks them, or to mark as added; overrules
        tells whether one counts that the file has added otherwise. begin_of_text names the token
        with which a text may begin, which is else the one that ends it; adds tells whether each
        text begins and ends with these two, where the file itself does not say it.

        Raises ValueError if the text is not a tokenizer that the library can read, and if two
        of its tokens have one id.
        """
        self._library, changed = library.opened(specification, added, overrules)
        self._ids = self._library.get_vocab()
        names = (end_of_text, *ENDS)
        self._end_of_text = next((self._ids[n] for n in names if n in self._ids), None)
        begin = self._ids.get(begin_of_text) if begin_of_text else None
        self._begin_of_text = self._end_of_text if begin is None else begin
        if wrapped := any(adds) and self._end_of_text is not None:
            ends = (self._begin_of_text, self._end_of_text)
            first, last = (end if wanted else None for end, wanted in zip(ends, adds, strict=True))
            self._library.post_processor = template.made(self._ids, first, last)
        self._specification = self._library.to_str() if changed or wrapped else specification
        self._vocab_size = max(self._ids.values(), default=-1) + 1  # asked for at every token
        self._refuse_shared_ids()
        self._added = self._library.get_added_tokens_decoder()
        spec = json.loads(self._library.to_str())
        self._model = spec["model"]
        self._byte_level = '"ByteLevel"' in json.dumps(spec["pre_tokenizer"])
        self._space = "▁" if "▁" in str(spec["decoder"]) else " "
        self._before, self._behind = template.around(spec["post_processor"])
        self._begins = len(self._before) == 1
        if self._begins:
            (self._begin_of_text,) = self._before

    @property
    def name(self) -> str:
        """Its kind: "byte-level BPE", "BPE", "Unigram", "WordPiece" or "WordLevel"."""
        return "byte-level BPE" if self._byte_level else self._model["type"]

    @property
    def vocab_size(self) -> int:
        """One more than the highest id; a few below it may stand for nothing."""
        return self._vocab_size

    @property
    def end_of_text(self) -> int | None:
        """The token that was named on loading, or else one with a customary name, if any."""
        return self._end_of_text

    @property
    def begin_of_text(self) -> int | None:
        """The token that was named on loading, or else the one that ends a document."""
        return self._begin_of_text

    @property
    def begins(self) -> bool:
        """Whether the model was trained on texts that begin with that token."""
        return self._begins

    @property
    def notes(self) -> Sequence[str]:
        """That its file puts more around a text than one token before it."""
        if not self._behind and len(self._before) < 2:
            return ()
        return (template.in_words(*map(self.pieces, (self._before, self._behind))),)

    @property
    def special_tokens(self) -> Mapping[int, str]:
        """The tokens that the file marks as special."""
        return {token: added.content for token, added in self._added.items() if added.special}

    @functools.cached_property
    def merge_ranks(self) -> Mapping[tuple[bytes, bytes], int]:
        """Which neighbours BPE joins, and how early; empty unless this is byte-level BPE."""
        if not self._byte_level or self._model["type"] != "BPE" or self._model["ignore_merges"]:
            return {}
        return {(unspell(a), unspell(b)): i for i, (a, b) in enumerate(self._model["merges"])}

    def encode(self, text: str) -> list[int]:
        """The ids of a text; a symbol that it lacks becomes its unknown token.

        Raises ValueError for a lone surrogate, and for such a symbol if there is no such token.
        """
        return self._encode(self._library, text)

    def encode_special(self, text: str) -> list[int]:
        """The ids of a text in which the name of a special token is that token."""
        return self._encode(self._with_special, text)

    @functools.cached_property
    def _with_special(self) -> tokenizers.Tokenizer:
        """Another one, since the choice belongs to the object, which threads share."""
        library = tokenizers.Tokenizer.from_str(self._library.to_str())
        library.encode_special_tokens = False
        return library

    def _encode(self, library: tokenizers.Tokenizer, text: str) -> list[int]:
        require_characters(text)
        try:
            encoding = library.encode(text, add_special_tokens=False)
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"the tokenizer {self.name} cannot write this: {error}") from None
        if lost := self._first_lost(text, encoding.offsets):
            raise ValueError(
                f"the vocabulary of this model has no way to write {visible(lost.encode())} "
                f"({code_point(lost)}); leave it out, or choose a model with another tokenizer"
            )
        return encoding.ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, with � for what is no valid UTF-8. Raises ValueError for no such id."""
        data = [self.token_bytes(token) for token in ids]
        if self._byte_level:
            return b"".join(data).decode(errors="replace")
        return self._library.decode(list(ids), skip_special_tokens=False)

    def token_bytes(self, token: int) -> bytes:
        """The bytes that one id stands for, in UTF-8. Raises ValueError for no such id."""
        spelling = self._spelling(token)
        if token in self._added:
            return spelling.encode()
        if self._byte_level:
            return unspell(spelling)
        if self._model.get("byte_fallback") and (byte := _BYTE.fullmatch(spelling)):
            return bytes.fromhex(byte[1])
        spelling = spelling.removeprefix(self._continuing).replace(self._space, " ")
        if (end := self._model.get("end_of_word_suffix")) and spelling.endswith(end):
            spelling = spelling.removesuffix(end) + " "
        return spelling.encode()

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What to show for each id; WordPiece's ## for "goes on without a space" is kept."""
        shown = super().pieces(ids)
        if not self._continuing:
            return shown
        return [
            self._continuing + piece if self._continues(token) else piece
            for token, piece in zip(ids, shown, strict=True)
        ]

    def words(self, text: str) -> list[str]:
        """The stretches of text that are cut into tokens each by itself."""
        require_characters(text)
        if not self._byte_level:
            return super().words(text)
        if normalizer := self._library.normalizer:
            text = normalizer.normalize_str(text)
        return [unspell(w).decode() for w, _ in self._library.pre_tokenizer.pre_tokenize_str(text)]

    def save(self, folder: Path) -> None:
        """Write tokenizer.json as it was read, and the name of the end in tokenizer_config.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(self._specification, encoding="utf-8", newline="\n")
        config: dict[str, str | bool] = {"tokenizer_class": "PreTrainedTokenizerFast"}
        if self._end_of_text is not None:
            config["eos_token"] = self._spelling(self._end_of_text)
        if self._begin_of_text is not None and (
            self._begins or self._begin_of_text != self._end_of_text
        ):
            config["bos_token"] = self._spelling(self._begin_of_text)
            config["add_bos_token"] = self._begins
        text = json.dumps(config, ensure_ascii=False, indent=2) + "\n"
        (folder / CONFIG_FILE).write_text(text, encoding="utf-8", newline="\n")

    @property
    def _continuing(self) -> str:
        return self._model.get("continuing_subword_prefix") or ""

    def _continues(self, token: int) -> bool:
        spelling = self._library.id_to_token(token) if 0 <= token < self.vocab_size else None
        return spelling is not None and spelling.startswith(self._continuing)

    def _spelling(self, token: int) -> str:
        spelling = self._library.id_to_token(token) if 0 <= token < self.vocab_size else None
        if spelling is None:
            raise no_such_id(token, self.vocab_size)
        return spelling

    def _refuse_shared_ids(self) -> None:
        tokens: dict[int, str] = {}
        for spelling, token in self._ids.items():
            if token in tokens:
                raise ValueError(
                    f"the tokens {quoted(tokens[token])} and {quoted(spelling)} both have the id "
                    f"{token}; "
                    f"each token needs an id of its own"
                )
            tokens[token] = spelling

    @functools.cached_property
    def _absent_bytes(self) -> frozenset[int]:
        return frozenset(byte for spelled, byte in BYTE_OF.items() if spelled not in self._ids)

    def _first_lost(self, text: str, offsets: Sequence[tuple[int, int]]) -> str | None:
        """The first character that the library left out; BPE does so without a word."""
        if self._model["type"] != "BPE" or self._model["unk_token"] is not None:
            return None
        if self._byte_level:
            if not self._absent_bytes:
                return None
            return next((c for c in text if not self._absent_bytes.isdisjoint(c.encode())), None)
        written = bytearray(len(text))
        for start, end in offsets:
            written[start:end] = b"\1" * (end - start)
        left_out = (c for c, done in zip(text, written, strict=True) if not done)
        return next((c for c in left_out if not c.isspace()), None)

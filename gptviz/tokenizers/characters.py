"""One token a character: the simplest tokenizer, made from the text that a model learns."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from gptviz.quoting import quoted
from gptviz.tokenizers import huggingface
from gptviz.tokenizers.base import Tokenizer, no_such_id, require_characters
from gptviz.tokenizers.visible import code_point, visible

FILE = "characters.json"
ANY = r"[\s\S]"  # one character, the end of a line as well
UNKNOWN = "<unknown>"
# Without the second setting, `transformers` may leave out spaces before signs when it decodes.
CONFIG = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}


class CharacterTokenizer(Tokenizer):
    """Numbers the given characters from 0 in their order; any other character is an error."""

    name = "characters"
    end_of_text = None

    def __init__(self, characters: Iterable[str]):
        """Raises ValueError for no characters, for one twice, and for two in one place."""
        self.characters = tuple(characters)
        if not self.characters:
            raise ValueError("a character vocabulary needs at least one character, not none")
        for character in self.characters:
            if not isinstance(character, str) or len(character) != 1:
                raise ValueError(
                    f"{quoted(character)} is in the vocabulary; it must be one character"
                )
            require_characters(character)
        self._ids = {character: i for i, character in enumerate(self.characters)}
        if len(self._ids) < len(self.characters):
            twice = next(c for i, c in enumerate(self.characters) if self._ids[c] != i)
            raise ValueError(f"{_named(twice)} is in the vocabulary twice; each must be once")

    @classmethod
    def from_text(cls, text: str) -> "CharacterTokenizer":
        """The distinct characters of a text, in the order of their code points."""
        return cls(sorted(set(text)))

    @property
    def vocab_size(self) -> int:
        """How many characters it knows."""
        return len(self.characters)

    def encode(self, text: str) -> list[int]:
        """One id a character. Raises ValueError for a character that it does not know."""
        require_characters(text)
        try:
            return [self._ids[character] for character in text]
        except KeyError as error:
            raise ValueError(
                f"{_named(error.args[0])} is not among the {self.vocab_size} characters that this "
                f"tokenizer knows; leave it out, or choose another tokenizer"
            ) from None

    def decode(self, ids: Sequence[int]) -> str:
        """The characters of ids. Raises ValueError for no such id."""
        return "".join(map(self._character, ids))

    def token_bytes(self, token: int) -> bytes:
        """The character in UTF-8. Raises ValueError for no such id."""
        return self._character(token).encode()

    def save(self, folder: Path) -> None:
        """Write characters.json, a list of the characters in the order of their ids.

        Beside it, tokenizer.json tells `transformers` the same.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            (FILE, json.dumps(self.characters, ensure_ascii=False)),
            (huggingface.FILE, self._specification()),
            (huggingface.CONFIG_FILE, json.dumps(CONFIG)),
        ):
            (folder / name).write_text(text, encoding="utf-8", newline="\n")

    def _specification(self) -> str:
        """A tokenizer.json in which every character is a word.

        Its model wants the name of a token for unknown words. The vocabulary lacks this one, so
        an unknown character is an error there, too, and not some other character.
        """
        library = tokenizers.Tokenizer(models.WordLevel(self._ids, unk_token=UNKNOWN))
        library.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(ANY), "isolated")
        library.decoder = decoders.Fuse()
        text: str = library.to_str()
        return text

    def _character(self, token: int) -> str:
        if not 0 <= token < self.vocab_size:
            raise no_such_id(token, self.vocab_size)
        return self.characters[token]


def _named(character: str) -> str:
    shown, number = visible(character.encode()), code_point(character)
    return f"the character {shown}" if number in shown else f"the character {shown} ({number})"

"""The page Byte pairs: what the library `tokenizers` learns from a text, merge by merge."""

import json
import math
from functools import partial
from typing import Any

import numpy as np
import tiktoken
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from accounts.common import Expected, Models, Read, numbered
from accounts.tokens import piece

LEARNT = (
    "In winter, when the snow lay deep, a poor boy had to go out with a sled to fetch wood. When "
    "he had gathered it and loaded it, he was so cold that he did not want to go home yet, but "
    "first to make a fire and warm himself a little. "
    "눈이 오고 눈이 쌓이고 눈이 녹아요. He scraped the snow away."
)
TYPED = "눈이 woods, 물é 🐱"
SIZE, DONE = 300, 16
SIZES = (257, 300, 400, 512, 1024, 2048, 4096, 8192, 16_000, 24_000, 32_000)
ROUND = (*SIZES, 50_257)
words_of = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str


def byte_alphabet() -> dict[str, int]:
    """The bytes by the characters with which GPT-2 spells them."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in own]
    return {chr(byte): byte for byte in own} | {chr(256 + i): b for i, b in enumerate(others)}


class Own:
    """What the library learns, and each of its merges on the text."""

    def __init__(self) -> None:
        library = tokenizers.Tokenizer(models.BPE())
        library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        library.train_from_iterator(
            [LEARNT],
            trainers.BpeTrainer(
                min_frequency=2, initial_alphabet=alphabet, show_progress=False, vocab_size=9999
            ),
        )
        byte_of = byte_alphabet()
        unspelled = {
            spelled: bytes(byte_of[letter] for letter in spelled) for spelled in library.get_vocab()
        }
        self.ids = {unspelled[spelled]: token for spelled, token in library.get_vocab().items()}
        merges = json.loads(library.to_str())["model"]["merges"]
        self.merges = [(unspelled[left], unspelled[right]) for left, right in merges]
        self.largest = 257 + len(self.merges)
        lengths = [len(self.cut(LEARNT, n)) for n in range(len(self.merges) + 1)]
        self.tokens = np.array(lengths)  # after each number of merges
        self.joined = -np.diff(lengths)

    def cut(self, text: str, merges: int) -> list[bytes]:
        """The tokens of a text after the first merges, each done everywhere before the next."""
        words = [[bytes([b]) for b in text[a:z].encode()] for _, (a, z) in words_of(text)]
        for pair in self.merges[:merges]:
            for word in words:
                i = 0
                while i < len(word) - 1:
                    if (word[i], word[i + 1]) == pair:
                        word[i : i + 2] = [word[i] + word[i + 1]]
                    i += 1
        return [token for word in words for token in word]


def around() -> dict[str, Any]:
    """The control of the size."""
    return {"bpe_size.label": [f"{size:,}" for size in SIZES]}


def sizes(own: Own, gpt2: tiktoken.Encoding) -> Expected:
    drawn = np.geomspace(257, own.largest, 80).round().astype(int).tolist()
    chosen = sorted({*drawn, *(size for size in ROUND if size <= own.largest)})
    tokens = [own.tokens[size - 257] for size in chosen]
    length, letters = len(LEARNT), len(set(LEARNT))
    theirs = len(gpt2.encode_ordinary(LEARNT))
    here, larger = own.tokens[SIZE - 257], min(SIZE * 3 // 2, own.largest)
    fewer = own.tokens[larger - 257]
    powers = range(math.floor(math.log10(letters)), math.ceil(math.log10(50257)) + 1)
    factors = (1, 2, 5) if len(powers) <= 4 else (1,)
    shown = {
        **around(),
        "bpe_sizes.0.x": chosen,
        "bpe_sizes.0.y": tokens,
        "bpe_sizes.1.x": SIZE,
        "bpe_sizes.1.y": here,
        "bpe_sizes.2.x": letters,
        "bpe_sizes.2.y": length,
        "bpe_sizes.3.x": 50257,
        "bpe_sizes.3.y": theirs,
        "bpe_sizes.3.name": [(2,)],
        "bpe_sizes.xaxis": [f"{k * 10**power:,}" for power in powers for k in factors],
        "bpe_sizes_table.vocabulary": chosen,
        "bpe_sizes_table.tokens": tokens,
        "bpe_sizes_table.characters per token": [length / n for n in tokens],
        "bpe_sizes_table.joined": [own.joined[size - 258] for size in chosen if size > 257],
    }
    n_bytes, last = len(LEARNT.encode()), own.joined[larger - 258]
    beginning = (length, n_bytes, SIZE, here, length / here)
    said = [
        ("The text has", *beginning, larger, fewer, 1 - fewer / here, last),
        ("The first merges save the most", len(chosen), 2),
    ]
    return said, shown


def merges(own: Own, _: tiktoken.Encoding) -> Expected:
    n = len(own.merges)
    first = max(0, min(DONE - 13, n - 24))
    near = range(first, first + 24)
    pieces = [[piece(part) for part in (a, b, a + b)] for a, b in own.merges]
    begins = LEARNT[:101].rpartition(" ")[0]
    parts = own.cut(begins, DONE)
    ids = [own.ids[part] for part in parts]
    columns = [numbered(column) for column in zip(*pieces, strict=True)]
    shown = {
        "merges_done": [0, n, DONE],
        "merged_text.rows.chips.position": range(len(parts)),
        "merged_text.rows.chips.hover": hover(ids, parts),
        "merges_in_order.0.x": [(rank, *numbered(pieces[rank][2:])) for rank in near],
        "merges_in_order.0.y": own.joined[first : first + 24],
        "merges_in_order.0.customdata": [(rank, *numbered(pieces[rank])) for rank in near],
        "merges_in_order_table.rank": range(n),
        "merges_in_order_table.left": columns[0],
        "merges_in_order_table.right": columns[1],
        "merges_in_order_table.merged": columns[2],
        "merges_in_order_table.joined": own.joined,
        "merges_in_order_table.tokens": own.tokens[1:],
    }
    joined, left = own.joined[DONE - 1], own.tokens[DONE]
    said = [
        ("are left", DONE - 1, *numbered(pieces[DONE - 1]), joined, own.tokens[0], left),
        ("Outlined is what the last merge joined", DONE, len(parts)),
        ("Each bar is a merge", n, n),
    ]
    return said, shown


def letters(own: Own, gpt2: tiktoken.Encoding) -> Expected:
    parts = own.cut(TYPED, SIZE - 257)
    theirs = gpt2.encode_ordinary(TYPED)
    their_parts = [gpt2.decode_single_token_bytes(token) for token in theirs]
    torn = [held(parts), held(their_parts)]
    counts = [[len(of_one) for of_one in each] for each in torn]
    n, letter_ticks = len(TYPED), [f"{i} {shown_letter(letter)}" for i, letter in enumerate(TYPED)]
    strange = sum(letter not in LEARNT for letter in TYPED)
    shown = {
        **around(),
        **aligned(
            "torn",
            [
                (own.ids, parts),
                ({p: t for t, p in zip(theirs, their_parts, strict=True)}, their_parts),
            ],
        ),
        **named("torn_letters"),
        "torn_letters.0.x": letter_ticks,
        "torn_letters.0.y": counts[0],
        "torn_letters.0.name": [(SIZE,)],
        "torn_letters.1.x": letter_ticks,
        "torn_letters.1.y": counts[1],
        "torn_letters.1.name": [(2,)],
        "torn_letters.xaxis": letter_ticks,
        "torn_letters_table.own": counts[0],
        "torn_letters_table.GPT-2": counts[1],
    }
    many = [sum(count > 1 for count in each) for each in counts]
    said = [
        (
            "a letter, and tears",
            *(len(parts), n, len(parts) / n, many[0]),
            *(2, len(theirs), len(theirs) / n, many[1], strange),
        ),
        ("A bar above", 1, n, 2, 8, 1, 2, 3, 4, 16),
    ]
    return said, shown


def unknown(own: Own, _: tiktoken.Encoding) -> Expected:
    parts = own.cut(TYPED, SIZE - 257)
    characters = sorted(set(LEARNT))
    ids = [characters.index(letter) if letter in characters else None for letter in TYPED]
    held_by = [[own.ids[parts[i]] for i in each] for each in held(parts)]
    place = "unknown_letters"
    between = [f"id {token}" for token in ids if token is not None]
    shown = {
        **around(),
        **aligned(place, [(own.ids, parts)], between, range(len(TYPED))),
        **named(place),
        f"{place}_table.id": [token for token in ids if token is not None],
        f"{place}_table.tokens": [" ".join(map(str, each)) for each in held_by],
    }
    said = [
        ("The text that was learnt from lacks", ids.count(None), len(TYPED), len(parts)),
        ("is a letter that a tokenizer of characters", len(TYPED), len(parts), 256),
    ]
    return said, shown


def shown_letter(letter: str) -> str:
    return letter.replace(" ", "·")


def held(parts: list[bytes]) -> list[list[int]]:
    """Which tokens hold a part of each letter of the typed text."""
    owners = [i for i, part in enumerate(parts) for _ in part]
    found, at = [], 0
    for letter in TYPED:
        end = at + len(letter.encode())
        found.append(sorted(set(owners[at:end])))
        at = end
    return found


def hover(ids: list[int], parts: list[bytes]) -> list[str]:
    """What the chips of tokens say."""
    both = zip(ids, parts, strict=True)
    return [f"id {token} · bytes {part.hex(' ').upper()}" for token, part in both]


def named(key: str) -> dict[str, Any]:
    """A table with a row for each letter of the typed text."""
    return {
        f"{key}_table.position": range(len(TYPED)),
        f"{key}_table.code point": numbered(f"U+{ord(letter):04X}" for letter in TYPED),
        f"{key}_table.bytes": numbered(letter.encode().hex(" ").upper() for letter in TYPED),
    }


def aligned(
    key: str,
    rows: list[tuple[dict[bytes, int], list[bytes]]],
    between: list[str] | None = None,
    positions: range = range(0),
) -> dict[str, Any]:
    """A row of letters, perhaps another one between, and rows of tokens."""
    cuts = [parts for _, parts in rows]
    told = [hover([ids[part] for part in parts], parts) for ids, parts in rows]
    points = [f"U+{ord(letter):04X}" for letter in TYPED]
    return {
        f"{key}.rows.chips.position": [
            *range(len(TYPED)),
            *positions,
            *(i for parts in cuts for i in range(len(parts))),
        ],
        f"{key}.rows.chips.hover": numbered(
            [*points, *(between or []), *(text for each in told for text in each)]
        ),
        f"{key}.rows.chips.piece": numbered(piece(part) for parts in cuts for part in parts),
        **({f"{key}.rows.name": [(2,)]} if len(rows) > 1 else {}),
    }


TABS = {"size": sizes, "merges": merges, "letters": letters, "unknown": unknown}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    keys = ("bpe_sizes", "merges_in_order", "torn_letters", "unknown_letters")
    page = read(
        "byte_pairs",
        keys,
        tab=tab,
        learn_from="own",
        own_text=LEARNT,
        bpe_size=SIZE,
        merges_done=DONE,
        torn_text=TYPED,
        unknown_text=TYPED,
    )
    page.holds(TABS[tab](Own(), models.encoding))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}

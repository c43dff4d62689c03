"""Texts that a model writes: a tree of what it wrote and could have written."""

import re
import struct
import sys
import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from gptviz.generation import Step
from gptviz.tokenizers import Tokenizer

ALTERNATIVES_KEPT = 8  # likeliest tokens a step
MOST_NODES = 1500  # tokens a tree: less than a megabyte, with their alternatives
_NUMBERS = struct.Struct("<idd")  # of an alternative: its id, before, probability


class Alternative(NamedTuple):
    """One token that could have come next."""

    id: int
    token: str  # its visible piece
    before: float  # the model's own probability
    probability: float  # under the distribution that was drawn from; 0 if a rule removed it


@dataclass(eq=False, slots=True)
class Node:
    """One token of the tree, and what was found to follow it; the root stands for the prompt."""

    id: int
    parent: "Node | None"
    children: dict[int, "Node"] = field(default_factory=dict)
    latest: "Node | None" = None  # the child that was visited last
    # The alternatives, packed: as objects they would take four times the room.
    _numbers: bytes = b""
    _pieces: tuple[str, ...] = ()

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """What could have come after this token; () at an end."""
        numbers = _NUMBERS.iter_unpack(self._numbers)
        return tuple(
            Alternative(token, piece, before, probability)
            for piece, (token, before, probability) in zip(self._pieces, numbers, strict=True)
        )

    @alternatives.setter
    def alternatives(self, found: Sequence[Alternative]) -> None:
        self._numbers = b"".join(_NUMBERS.pack(a.id, a.before, a.probability) for a in found)
        self._pieces = tuple(sys.intern(a.token) for a in found)

    @property
    def drawn(self) -> Alternative:
        """What was known of this token when it was drawn. Raises ValueError for the root."""
        for alternative in self.parent.alternatives if self.parent else ():
            if alternative.id == self.id:
                return alternative
        raise ValueError("the prompt was not drawn; ask one of the tokens after it")


class Tree:
    """Every continuation of one prompt that was written so far, and the one that is looked at.

    It holds no tensors, so that a browser's session can keep it. One Writing at a time adds to
    it: if another place in the tree is chosen meanwhile, that writing ends.
    """

    def __init__(self, prompt: Sequence[int]):
        self.prompt = list(prompt)
        self.root = Node(-1, None)
        self.tip = self.root
        self.size = 0  # tokens written, over all branches
        self.recipes: set[Hashable] = set()  # settings and seeds with which it was written
        self._writing: Writing | None = None
        self._lock = threading.RLock()  # a page's run that is superseded goes on for a moment

    @property
    def path(self) -> list[Node]:
        """The tokens from the prompt to the tip, without the prompt."""
        return self.path_to(self.tip)

    @staticmethod
    def path_to(node: Node) -> list[Node]:
        """The tokens from the prompt to a node, without the prompt."""
        nodes = []
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]

    @property
    def ids(self) -> list[int]:
        """The prompt and what was written after it: what the model reads to go on."""
        return self.prompt + [node.id for node in self.path]

    @property
    def full(self) -> bool:
        """Whether the tree has no room for another token."""
        return self.size >= MOST_NODES

    def begin(self) -> "Writing":
        """Write on from the tip; an earlier writing ends."""
        with self._lock:
            self._writing = Writing(self, self.ids)
            return self._writing

    def interrupt(self) -> None:
        """End the writing."""
        with self._lock:
            self._writing = None

    def choose(self, index: int, token: int) -> bool:
        """Let `token` stand at an index of the path; True if what follows is still to be written.

        Walks to the end of a branch that was written before. Raises ValueError for an index
        beyond the path, a token that is no alternative there, and if the tree is full.
        """
        with self._lock:
            path = self.path
            if not 0 <= index < len(path):
                raise ValueError(f"index {index} is not in a path of {len(path)} tokens")
            parent = path[index].parent
            assert parent is not None
            if all(token != alternative.id for alternative in parent.alternatives):
                raise ValueError(
                    f"token {token} is no alternative at index {index}; choose one of them"
                )
            known = token in parent.children
            if not known and self.full:
                raise _full()
            self.interrupt()
            self.tip = parent
            self._enter(token)
            while self.tip.latest is not None:
                self.tip = self.tip.latest
            return not known

    def leaves(self) -> list[Node]:
        """The ends of all branches; where two part, the one that was written first comes first."""
        found: list[Node] = []
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if not node.children and node is not self.root:
                found.append(node)
            waiting.extend(reversed(node.children.values()))
        return found

    def visit(self, leaf: Node) -> None:
        """Look at the branch that ends in a leaf."""
        with self._lock:
            self.interrupt()
            self.tip = node = leaf
            while node.parent is not None:
                node.parent.latest = node
                node = node.parent

    def _enter(self, token: int) -> None:
        child = self.tip.children.get(token)
        if child is None:
            if self.full:
                raise _full()
            child = self.tip.children[token] = Node(token, self.tip)
            self.size += 1
        self.tip.latest = child
        self.tip = child


class Writing:
    """One text that is being written at the tip of a tree."""

    def __init__(self, tree: Tree, ids: list[int]):
        self.tree, self.ids = tree, ids  # ids: what the model reads to go on

    def add(self, step: Step, tokenizer: Tokenizer) -> bool:
        """Append a step to the tip; False, and nothing is added, if this writing is over.

        Raises ValueError if the tree is full.
        """
        tree = self.tree
        with tree._lock:
            if tree._writing is not self:
                return False
            if not tree.tip.alternatives:
                tree.tip.alternatives = alternatives(step, tokenizer)
            tree._enter(step.id)
            return True


def _full() -> ValueError:
    return ValueError(f"this tree has its {MOST_NODES} tokens; start again to write more")


def alternatives(step: Step, tokenizer: Tokenizer) -> tuple[Alternative, ...]:
    """The tokens that the model itself found likeliest at a step, and the one that was drawn."""
    before = step.logits.softmax(-1)
    top = before.topk(min(ALTERNATIVES_KEPT, len(before))).indices.tolist()
    ids = top if step.id in top else [*top[: ALTERNATIVES_KEPT - 1], step.id]
    return tuple(
        map(
            Alternative,
            ids,
            tokenizer.pieces(ids),
            before[ids].tolist(),
            step.probabilities[ids].tolist(),
        )
    )


def decoded(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text of ids, with ⟨50300⟩ for one that a model has room for and its tokenizer not."""

    def known(token: int) -> bool:
        try:
            tokenizer.token_bytes(token)
        except ValueError:
            return False
        return True

    return "".join(
        tokenizer.decode(list(run)) if is_text else "".join(tokenizer.pieces(list(run)))
        for is_text, run in groupby(ids, known)
    )


def first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    """The index at which two texts part; None if they are the same."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return None if len(one) == len(other) else min(len(one), len(other))


def parse_stops(texts: Sequence[str]) -> list[str]:
    r"""Stop sequences as they are typed: \n stands for a new line, \t for a tab, \\ for \."""
    signs = {r"\n": "\n", r"\t": "\t", r"\\": "\\"}
    return [re.sub(r"\\[nt\\]", lambda found: signs[found[0]], text) for text in texts if text]

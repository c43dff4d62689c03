"""What a page is, and what the model must have that it looks into."""

from dataclasses import dataclass
from typing import Literal

from gptviz.config import GPTConfig


@dataclass(frozen=True)
class Page:
    """One page: its name in the URL and in the code, its file, and the words at its top."""

    name: str
    file: str
    title: str
    sentence: str
    # What stands above its own picture: the prompt and its path, the prompt alone, or neither.
    top: Literal["path", "prompt", "nothing"] = "path"
    has_code: bool = True  # under its pictures, for a notebook
    group: str = ""  # under which it stands in the sidebar, below the pages without one
    needs: Literal["attention", "MLP", ""] = ""  # without which it has nothing to show

    def require(self, config: GPTConfig) -> None:
        """Raise ValueError, in words, for a model that lacks what the page is about."""
        if self.needs == "attention":
            config.require_attention()
        elif self.needs == "MLP":
            config.require_mlp()

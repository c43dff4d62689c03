"""A folder or a hub name ⇄ model and tokenizer, in Hugging Face's GPT-2 format."""

from gptviz.checkpoints.folder import read, save

__all__ = ["read", "save"]

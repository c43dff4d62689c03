"""The text that the model reads: where it is typed, and which of its tokens fit."""

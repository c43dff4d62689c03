"""From probability to loss: −ln p of a guess, of a text, and perplexity."""

from gptviz.subjects.loss.analysis import curve, from_logits, next_table, sentence

__all__ = ["curve", "from_logits", "next_table", "sentence"]

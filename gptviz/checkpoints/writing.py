"""Rules of writing in a model's files, which hold for `transformers` and not here."""

from pathlib import Path

from gptviz.disk import read_json

# What changes which tokens `transformers` writes, or where a text ends, beside the ids that end
# one, by its usual value.
RULES: dict[str, float | None] = {
    **dict.fromkeys(("temperature", "top_p", "typical_p", "length_penalty", "num_beams"), 1),
    **dict.fromkeys(("repetition_penalty", "encoder_repetition_penalty", "guidance_scale"), 1),
    **dict.fromkeys(("min_length", "no_repeat_ngram_size", "epsilon_cutoff", "eta_cutoff"), 0),
    **dict.fromkeys(
        ("do_sample", "min_new_tokens", "max_new_tokens", "max_time", "min_p", "top_h")
    ),
    **dict.fromkeys(("stop_strings", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens")),
    **dict.fromkeys(
        ("forced_bos_token_id", "forced_eos_token_id", "exponential_decay_length_penalty")
    ),
    **dict.fromkeys(("sequence_bias", "penalty_alpha", "force_words_ids", "watermarking_config")),
    "top_k": 50,
    "max_length": 20,
}


def notes(path: Path) -> list[str]:
    """That a file sets some of them, in a sentence. Raises ValueError or OSError in words."""
    values = read_json(path)
    asked = sorted(
        name for name, usual in RULES.items() if values.get(name) and values[name] != usual
    )
    if not asked:
        return []
    return [
        f"Its {path.name} sets {', '.join(asked)}, by which transformers writes and ends a text; "
        f"gptviz goes by the settings that it is given."
    ]

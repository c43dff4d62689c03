"""Settings of what a run reads, and of how text becomes tokens."""

from pathlib import Path

from gptviz.setting import Setting

TEXT = (
    Setting(
        name="data",
        kind=Path,
        label="Text to learn from",
        sentence="A text in UTF-8, or a folder made by `gptviz prepare`.",
    ),
    Setting(
        name="tokenizer",
        kind=str,
        choices={
            "char": "characters",
            "bpe": "BPE trained on this text",
            "gpt2": "GPT-2's BPE",
        },
        label="Tokens",
        sentence="What the text is cut into. Characters: few and simple, good for small models. "
        "BPE: frequent pieces of words; one trained on this text fits it, GPT-2's knows 50,257.",
    ),
    Setting(
        name="bpe_vocab_size",
        kind=int,
        least=257,  # the 256 bytes, and the sign for the end of a text
        step=256,
        unit="tokens",
        label="Vocabulary",
        sentence="How many different tokens a trained BPE has: the 256 bytes and learnt pieces.",
        advice="512 to 8192 suit texts up to 10 MB.",
    ),
    Setting(
        name="end_of_text",
        kind=bool,
        label="Ends of texts",
        sentence="Whether `<|endoftext|>` between two texts is read as one token that ends a text, "
        "instead of as ordinary letters. Characters have no such token.",
        rare=True,
    ),
)

"""A tokenizer of the library `tokenizers`, set so that a text is always cut in the same way."""

from collections.abc import Sequence

import tokenizers


def opened(
    specification: str, added: Sequence[tokenizers.AddedToken], overrules: bool
) -> tuple[tokenizers.Tokenizer, bool]:
    """What the text of a tokenizer.json makes with more tokens, and whether that is another one.

    Of an added token that it has added itself, its own marks count unless overrules is true.
    Raises ValueError if the library cannot read it.
    """
    try:
        library = tokenizers.Tokenizer.from_str(specification)
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"this is no tokenizer that can be read: {error}") from None
    library.no_truncation()
    library.no_padding()
    library.encode_special_tokens = True  # take their names in a text as plain text
    known = {token.content: token for token in library.get_added_tokens_decoder().values()}
    new = [
        token
        for token in added
        if token.content not in known or (overrules and token != known[token.content])
    ]
    if new:
        library.add_tokens(new)
    # Dropout of merges is for training.
    drops = getattr(library.model, "dropout", None) is not None
    if drops:
        library.model.dropout = None
    return library, bool(new) or drops

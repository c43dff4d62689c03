from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.subjects.tokens.analysis import word_of_token
from gptviz.tokenizers import GPT2Tokenizer, merge_steps

GPT2 = GPT2Tokenizer()


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(min_size=1, max_size=30) | st.text("ab c'the\n 고양이가", min_size=1, max_size=30)
)
def test_replaying_the_words_of_all_tokens_gives_the_tokens(text: str):
    ids = GPT2.encode(text)
    replayed, position = [], 0
    while position < len(ids):
        parts = merge_steps(GPT2, word_of_token(GPT2, text, position))[-1].parts
        replayed.extend(parts)
        position += len(parts)
    assert replayed == [GPT2.token_bytes(token) for token in ids]

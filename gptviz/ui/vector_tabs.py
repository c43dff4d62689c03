"""The tabs about many vectors at once: the prompt's, a map, positions, two contexts."""

from collections.abc import Sequence

import streamlit as st

from gptviz.analysis import contexts, embeddings, positions, projection
from gptviz.figures import embeddings as figures
from gptviz.figures.token_map import token_map
from gptviz.ui import controls, embedding_resources, parts, resources, seen
from gptviz.ui.frame import LONGEST_PROMPT, View, prompt_ids
from gptviz.ui.word_tabs import ALIKE


def similarity(view: View) -> None:
    """How alike the vectors of the prompt's tokens are, at one stage of the network."""
    places = st.columns(2, gap="large")
    with places[0]:
        stage = controls.stage(view.lm)
    with places[1]:
        chosen = controls.position(view)
    vectors = view.trace[stage]
    cosines = embeddings.cosine_similarity(vectors, vectors).numpy()
    rare = seen.faint(embeddings.token_table(view.lm, view.ids))
    marked = zip(view.tokens, rare, strict=True)
    tokens = [f"⚠{token}" if is_rare else token for token, is_rare in marked]
    marks = f" {seen.legend(view.lm, '⚠')}" if any(rare) else ""
    parts.chart(
        figures.similarity_heatmap(cosines, tokens, view.scheme, chosen),
        key="similarity",
        name=stage,
        shape=tuple(vectors.shape),
        how_to_read=f"each cell compares the vectors of two tokens by their cosine: {ALIKE} "
        "After some layers most cells may be red: then the vectors share a direction, "
        f"whatever the tokens mean.{marks}",
        table=embeddings.similarity_table(cosines, view.tokens),
    )


def token_maps(view: View) -> None:
    """The prompt's tokens and others as points."""
    places = st.columns([3, 3, 4], vertical_alignment="center")
    with places[0]:
        method = controls.choice("map_method", "Method", ("PCA", "t-SNE"))
    with places[1]:
        axes = controls.choice("map_axes", "Axes", ("2-D", "3-D"))
    with places[2]:
        n_common = st.slider(
            "Other tokens as a backdrop", 0, 600, 300, 50, key="map_common", bind="query-params"
        )
    ids, source = projection.map_ids(view.lm, view.ids, n_common)
    n_axes = int(axes[0])
    waiting = st.empty()
    drawn = embedding_resources.token_map(
        view.lm, tuple(ids), "PCA" if method == "PCA" else "t-SNE", n_axes, waiting
    )
    table = projection.map_table(view.lm, view.ids, ids, drawn.points)
    if drawn.explained is None:
        names = [f"axis {i + 1} (no meaning)" for i in range(n_axes)]
        how = (
            "t-SNE puts tokens side by side that are near by cosine; large distances and the "
            "axes mean nothing. "
        )
    else:
        shares = [f"{share:.1%}" for share in drawn.explained]
        names = [f"axis {i + 1}: {share} of variance" for i, share in enumerate(shares)]
        how = (
            f"PCA turns the cloud so that it spreads most. These {n_axes} axes show "
            f"{drawn.explained.sum():.1%} of its variance; the rest is not to be seen, so points "
            "that look close may be far apart. "
        )
    n_prompt = len(set(view.ids))
    parts.chart(
        token_map(
            drawn.points,
            table["token"].tolist(),
            seen.hover(table),
            n_prompt,
            seen.faint(table),
            names,
            view.scheme,
        ),
        key=f"map_{method}_{axes}",
        name=f"wte[{len(ids)} tokens]",
        shape=(len(ids), view.lm.config.n_embd),
        how_to_read=f"{how}Point at a dot to read its token, for labels stand only where there is "
        f"room. The backdrop: {source}. {seen.legend(view.lm, 'Hollow')}",
        table=table,
    )


def position_vectors(view: View) -> None:
    """How alike the model's position vectors are, beside sinusoidal ones."""
    squares = embedding_resources.position_squares(view.lm, view.waiting)
    shown = positions.shown_positions(view.lm)
    kind = view.lm.config.position
    about = {
        "learned": "This model **learned** one vector for each position, added to the token's.",
        "sinusoidal": "This model adds **computed waves** to the tokens, so both pictures agree.",
        "none": "This model has **no position vectors** (zeros), so the left picture is blank.",
    }
    st.markdown(about[kind])
    thinned = f"Every {shown.step}th position is drawn. " if shown.step > 1 else ""
    parts.chart(
        figures.position_heatmaps(squares[0], squares[1], list(shown), view.scheme),
        key="positions",
        name="wpe",
        shape=(view.lm.config.block_size, view.lm.config.n_embd),
        how_to_read=f"each cell compares two positions: {ALIKE} Sinusoidal vectors (right) depend "
        f"on the distance alone, so every diagonal has one colour. {thinned}",
        table=positions.similarity_table(view.lm, squares),
    )


def two_contexts(view: View) -> None:
    """How one token's vector turns, layer by layer, in two texts."""
    longest = min(view.lm.config.block_size, LONGEST_PROMPT)
    default = contexts.other_text(view.lm, view.prompt, longest)
    places = st.columns([3, 2], gap="large")
    with places[0]:
        typed = st.text_input(
            "A second text",
            key="other",
            bind="query-params",
            max_chars=2_000,
            placeholder=default,
        )
    other = prompt_ids(view.lm, typed or default)
    shared = contexts.shared_positions(view.ids, other)
    if not shared:
        why = "use a word of your text in the second"
        if alike := contexts.alike_but_for_spaces(view.tokens, view.lm.tokenizer.pieces(other)):
            why = "to the model {} and {} are two tokens, for · is a space".format(*alike)
        raise ValueError(f"the two texts share no token; {why}")
    with places[1]:
        i = controls.one_of("shared_token", "A token of both texts", list(shared), view.tokens)
    j = shared[i]
    second = resources.trace(view.lm, other, view.waiting)
    way = contexts.drift(view.lm.config, view.trace, second, i, j)
    lines = {
        "your text, with the token's embedding": way.from_start[0],
        "second text, with the token's embedding": way.from_start[1],
        "your text with the second text": way.between,
        "your text with other tokens of the second (mean)": way.others,
    }
    same = (
        "Up to this token both texts are the same, so its vectors are the same, too. "
        if view.ids[: i + 1] == other[: j + 1]
        else ""
    )
    st.markdown(
        f"**{parts.literal(view.tokens[i])}** at position {i} of your text and {j} of the second: "
        f"{_around(view.tokens, i)} and {_around(second.tokens, j)}. "
        f"{seen.about(view.lm, embeddings.token_word(view.lm, view.ids[i]))}"
    )
    parts.chart(
        figures.drift_lines(way.stages, lines, view.scheme),
        key="drift",
        name=f"wte, embed, h.*[{i}]",
        shape=(len(way.stages), view.lm.config.n_embd),
        how_to_read="the first three lines start at 1: the token's own embedding, where the texts "
        "play no part. Where a line falls, the vector has turned away. The last line is how alike "
        f"unlike tokens are: after some layers all vectors may share one direction. {same}",
        table=contexts.drift_table(way),
    )


def _around(tokens: Sequence[str], position: int) -> str:
    first, last = max(0, position - 4), position + 3
    before, after = " ".join(tokens[first:position]), " ".join(tokens[position + 1 : last])
    chosen = f"**{parts.literal(tokens[position])}**"
    dots = ("… " * (first > 0), " …" * (last < len(tokens)))
    return f"{dots[0]}{parts.literal(before)} {chosen} {parts.literal(after)}{dots[1]}"

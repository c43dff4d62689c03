"""The tabs about many vectors at once: the prompt's, a map, positions, two contexts."""

from collections.abc import Sequence

import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.chips.chips import choose_token
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.prompt.reading import longest
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.subjects.embeddings import (
    context_analysis,
    controls,
    figures,
    map_analysis,
    maps,
    position_analysis,
    rarity,
    sentences,
)
from gptviz.subjects.embeddings.map_figures import token_map
from gptviz.subjects.embeddings.word_tabs import ALIKE

METHODS = {"pca": "PCA", "t-sne": "t-SNE"}
BACKDROPS = {
    "counts": "The backdrop: the tokens that the training text holds most often.",
    "vocabulary": "The backdrop: the first tokens of the vocabulary.",
    "readable-vocabulary": "The backdrop: the first tokens of the vocabulary "
    "with several characters.",
}
POSITIONS = {
    "learned": f"This model **learned** one vector for each position (its "
    f"{term('position embedding')}), added to the token's.",
    "sinusoidal": "This model adds **computed waves** to the tokens, so both pictures agree.",
    "none": "This model has **no position vectors** (zeros), so the left picture is blank.",
}
SAME_SO_FAR = "Up to this token both texts are the same, so its vectors are the same, too."


def similarity(view: View) -> None:
    """How alike the vectors of the prompt's tokens are, at one stage of the network."""
    places = st.columns([1, 2], gap="large")
    with places[0]:
        stage = controls.stage(view.lm)
    with places[1]:
        chosen = choose_token(view.tokens, view.scheme)
    vectors = view.trace[stage]
    cosines = embeddings.cosine_similarity(vectors, vectors).numpy()
    embeddings.require_direction(cosines)
    rare = rarity.faint(embeddings.token_table(view.lm, view.ids))
    marked = zip(view.tokens, rare, strict=True)
    tokens = [f"⚠{token}" if is_rare else token for token, is_rare in marked]
    marks = rarity.legend(view.lm, "⚠") if any(rare) else ""
    show.chart(
        figures.similarity_heatmap(cosines, tokens, view.scheme, chosen),
        key="similarity",
        name=stage,
        shape=tuple(vectors.shape),
        how_to_read=f"each cell compares the vectors of two tokens by their {term('cosine')}: "
        f"{ALIKE} After some layers most cells may be red: then the vectors share a direction, "
        f"whatever the tokens mean. {marks}",
        table=embeddings.similarity_table(cosines, view.tokens),
        code=view.code(
            embeddings.cosine_similarity,
            "from gptviz.subjects.embeddings.analysis import similarity_table",
            f"vectors = trace[{stage!r}]",
            "cosines = cosine_similarity(vectors, vectors).numpy()",
            "table = similarity_table(cosines, trace.tokens)",
        ).drawn(
            figures.similarity_heatmap,
            f"cosines, {tokens if marks else 'trace.tokens'}, chosen={chosen}",
        ),
    )
    st.markdown(show.literal(sentences.most_alike(cosines, view.tokens, chosen)))


def token_maps(view: View) -> None:
    """The prompt's tokens and others as points."""
    places = st.columns([3, 3, 4], vertical_alignment="center")
    with places[0]:
        method = choices.one_of("map_method", "Method", METHODS)
    with places[1]:
        n_axes = int(choices.one_of("map_axes", "Axes", {"2": "2-D", "3": "3-D"}))
    with places[2]:
        n_common = st.slider(
            "Other tokens as a backdrop", 0, 600, 300, 50, key="map_common", bind="query-params"
        )
    ids, source = map_analysis.map_ids(view.lm, view.ids, n_common)
    arrange = maps.tsne if method == "t-sne" else maps.pca
    drawn = arrange(view.lm, tuple(ids), n_axes)
    table = map_analysis.map_table(view.lm, view.ids, ids, drawn.points)
    if drawn.explained is None:
        names = [f"axis {i + 1} (no meaning)" for i in range(n_axes)]
        how = (
            f"{term('t-SNE')} puts tokens side by side that are near by cosine; large distances "
            "and the axes mean nothing."
        )
    else:
        shares = [f"{share:.1%}" for share in drawn.explained]
        names = [f"axis {i + 1}: {share} of variance" for i, share in enumerate(shares)]
        how = (
            f"{term('PCA')} turns the cloud so that it spreads most. These {n_axes} axes show "
            f"{drawn.explained.sum():.1%} of its variance; the rest is not to be seen, so points "
            "that look close may be far apart."
        )
    n_prompt = len(set(view.ids))
    show.chart(
        token_map(
            drawn.points,
            table["token"].tolist(),
            rarity.hover(table),
            n_prompt,
            rarity.faint(table),
            names,
            view.scheme,
        ),
        key=f"map_{method}_{n_axes}",
        name=f"wte[{len(ids)} tokens]",
        shape=(len(ids), view.lm.config.n_embd),
        how_to_read=f"{how} Point at a dot to read its token: labels stand only where there is "
        f"room. {BACKDROPS[source]} {rarity.legend(view.lm, 'hollow')}",
        table=table,
        code=_map_code(view, method, n_axes, n_common).drawn(
            token_map,
            f'points, table["token"].tolist(), rarity.hover(table), {n_prompt}, '
            f"rarity.faint(table), {names!r}",
            "from gptviz.subjects.embeddings import rarity",
        ),
    )


def _map_code(view: View, method: str, n_axes: int, n_common: int) -> Code:
    vectors = "lm.model.wte.weight[ids].numpy()"
    arrange: dict[str, tuple[str, ...]] = {
        "pca": (f"points = pca({vectors}, {n_axes}).points",),
        "t-sne": (f"with tsne({vectors}, {n_axes}) as job:", "    points = job.result().points"),
    }
    return view.code(
        map_analysis.pca if method == "pca" else map_analysis.tsne,
        "from gptviz.subjects.embeddings.map_analysis import map_ids, map_table",
        f"prompt = lm.ids({view.written!r})",
        f"ids, _ = map_ids(lm, prompt, {n_common})",
        *arrange[method],
        "table = map_table(lm, prompt, ids, points)",
    )


def position_vectors(view: View) -> None:
    """How alike the model's position vectors are, beside sinusoidal ones."""
    squares = look.look(position_analysis.similarity, view.lm)
    shown = position_analysis.shown_positions(view.lm)
    st.markdown(POSITIONS[view.lm.config.position])
    if view.lm.config.position != "none":
        embeddings.require_direction(squares[0])
    thinned = f"One position in {shown.step} is drawn." if shown.step > 1 else ""
    show.chart(
        figures.position_heatmaps(squares[0], squares[1], list(shown), view.scheme),
        key="positions",
        name="wpe",
        shape=(view.lm.config.block_size, view.lm.config.n_embd),
        how_to_read=f"each cell compares two positions: {ALIKE} Sinusoidal vectors (right) depend "
        f"on the distance alone, so every diagonal has one colour. {thinned}",
        table=position_analysis.similarity_table(view.lm, squares),
        code=view.code(
            position_analysis.similarity,
            "from gptviz.subjects.embeddings.position_analysis import "
            "shown_positions, similarity_table",
            "squares = similarity(lm)",
            "table = similarity_table(lm, squares)",
        ).drawn(figures.position_heatmaps, "squares[0], squares[1], list(shown_positions(lm))"),
    )


def two_contexts(view: View) -> None:
    """How one token's vector turns, layer by layer, in two texts."""
    default = context_analysis.other_text(view.lm, view.prompt, longest(view.lm))
    places = st.columns([3, 2], gap="large")
    with places[0]:
        typed = st.text_input(
            "A second text",
            key="other",
            bind="query-params",
            max_chars=2_000,
            placeholder=default,
        )
    second_text = view.read(typed or default)
    if second_text.left_out:
        raise ValueError(
            f"the second text has {len(second_text.every)} tokens, and gptviz shows up to "
            f"{second_text.longest} of this model; shorten it by {second_text.left_out}"
        )
    other = second_text.ids
    shared = context_analysis.shared_positions(view.ids, other)
    if not shared:
        pieces = view.lm.tokenizer.pieces(other)
        if alike := context_analysis.alike_but_for_spaces(view.tokens, pieces):
            raise ValueError(
                f"the two texts share no token; to the model {alike[0]} and {alike[1]} are two "
                "tokens, because · is a space"
            )
        raise ValueError("the two texts share no token; use a word of your text in the second")
    with places[1]:
        i = controls.shared_token(list(shared), view.tokens)
    j = shared[i]
    second = look.trace(view.lm, other)
    way = context_analysis.drift(view.lm.config, view.trace, second, i, j)
    table = context_analysis.drift_table(way)
    lines = {title: table[column].to_numpy() for column, title in figures.DRIFTS.items()}
    same = SAME_SO_FAR if view.ids[: i + 1] == other[: j + 1] else ""
    st.markdown(
        f"**{show.literal(view.tokens[i])}** at position {i} of your text and {j} of the second: "
        f"{_around(view.tokens, i)} and {_around(second.tokens, j)}. "
        f"{rarity.about(view.lm, embeddings.token_word(view.lm, view.ids[i]))}"
    )
    show.chart(
        figures.drift_lines(way.stages, lines, view.scheme),
        key="drift",
        name=f"wte, embed, h.*[{i}]",
        shape=(len(way.stages), view.lm.config.n_embd),
        how_to_read="where a line falls, the token's vector has turned away. The first three lines "
        "start at 1: the token's own embedding, where the texts play no part. The last line is how "
        f"alike unlike tokens are: after some layers all vectors may share one direction. {same}",
        table=table,
        code=view.code(
            context_analysis.drift,
            "from gptviz.subjects.embeddings.context_analysis import drift_table",
            f"second = lm.trace({typed or default!r})",
            f"way = drift(lm.config, trace, second, {i}, {j})",
            "table = drift_table(way)",
        ).drawn(
            figures.drift_lines,
            "way.stages, lines",
            "lines = {title: table[name].to_numpy() for name, title in figures.DRIFTS.items()}",
        ),
    )


def _around(tokens: Sequence[str], position: int) -> str:
    first, last = max(0, position - 4), position + 3
    shown = [show.literal(token) for token in tokens[first:last]]
    shown[position - first] = f"**{shown[position - first]}**"
    if first > 0:
        shown.insert(0, "…")
    if last < len(tokens):
        shown.append("…")
    return " ".join(shown)

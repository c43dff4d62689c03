"""Settings go into controls, into a file and into a run's folder, and come back as they were."""

import json
import string
import tempfile
from argparse import Namespace
from pathlib import Path

from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from gptviz.cli import settings
from gptviz.setting import LARGEST, Setting
from gptviz.training.config import SHORTEST_PRACTICE, TrainingConfig
from gptviz.training.settings import SETTINGS


def values_of(setting: Setting) -> st.SearchStrategy:
    """Everything that a setting takes."""
    if setting.choices:
        return st.sampled_from(list(setting.choices))
    if setting.kind is bool:
        return st.booleans()
    if setting.kind is int:
        return st.integers(int(setting.least or 0), int(setting.most or LARGEST))
    if setting.kind is float:
        least = setting.least if setting.above is None else setting.above
        most = setting.most if setting.below is None else setting.below
        return st.floats(
            least,
            most,
            exclude_min=setting.above is not None,
            exclude_max=setting.below is not None,
            allow_infinity=False,
            allow_nan=False,
        )
    return st.text(st.sampled_from(f'{string.printable}\N{SNOWMAN}é🙂"\\'), min_size=1, max_size=8)


@st.composite
def configs(draw: st.DrawFn) -> TrainingConfig:
    """Any settings that can work."""
    values = {name: draw(values_of(one)) for name, one in SETTINGS.items() if name != "data"}
    values["n_embd"] = values["n_head"] = min(values["n_head"], LARGEST // 16)
    values["n_embd"] *= 2 * draw(st.integers(1, 8))
    values["min_learning_rate"] = min(values["min_learning_rate"], values["learning_rate"])
    values["copy_steps"] = min(values["copy_steps"], values["steps"] - 1)
    values["n_layer"] = max(1, values["n_layer"])
    values["attention"] |= not values["mlp"] or values["guide_previous"] > 0
    whole = values["attention"] and values["mlp"]
    values["residual"] |= values["norm"] == "post" or not whole
    values["block_size"] = max(values["block_size"], SHORTEST_PRACTICE)
    return settings.USUAL.changed(values)


def form() -> None:
    import streamlit as st

    from gptviz.subjects.training import settings_form as training_settings
    from gptviz.training.settings import SETTINGS

    if training_settings.BASE not in st.session_state:
        training_settings.begin_from(st.session_state["given"])
    for name in training_settings.ABOVE[1:]:
        training_settings.control(SETTINGS[name])
    st.session_state["found"] = training_settings.draw()


def drawn(config: TrainingConfig) -> AppTest:
    """The form, which begins with these settings."""
    app = AppTest.from_function(form, default_timeout=60)
    app.session_state["given"] = config
    app.run()
    assert not app.exception
    return app


def controls(part: AppTest | Block) -> dict:
    kinds = (part.number_input, part.selectbox, part.checkbox, part.text_area)
    return {control.key: control for kind in kinds for control in kind}


@how(max_examples=10, deadline=None)
@given(configs())
def test_settings_become_controls_and_the_same_settings_again(config: TrainingConfig):
    assert drawn(config).session_state["found"] == config


@how(max_examples=5, deadline=None)
@given(configs())
def test_whatever_a_run_can_be_told_can_be_set_by_hand(config: TrainingConfig):
    app = drawn(settings.USUAL)
    for key, control in controls(app).items():
        if key != "new_dropout":
            control.set_value(config.values()[key.removeprefix("new_")])
    app.run()
    assert not app.exception
    assert app.session_state["found"] == config


def test_every_control_explains_its_setting_and_says_its_name_in_files():
    found = controls(drawn(settings.USUAL))
    above = {name: setting for name, setting in settings.NAMES.items() if name != "data"}
    assert set(found) == {f"new_{name}" for name in above}
    for name, setting in above.items():
        control = found[f"new_{name}"]
        assert control.label.startswith(setting.label)
        assert setting.sentence in control.help
        assert f"`{name}`" in control.help


def test_rarely_used_settings_stand_in_closed_expanders():
    app = drawn(settings.USUAL)
    assert {expander.label for expander in app.expander} == {"More settings"}
    assert not any(expander.proto.expanded for expander in app.expander)
    inside = {key for expander in app.expander for key in controls(expander)}
    assert inside == {f"new_{name}" for name, setting in SETTINGS.items() if setting.rare}
    assert len(set(controls(app)) - inside) <= 25, "the form is short"


@how(max_examples=100, deadline=None)
@given(configs())
def test_settings_in_a_file_are_those_of_the_run(config: TrainingConfig):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.toml"
        lines = (
            f"{name} = {json.dumps(value)}"
            for name, value in config.values().items()
            if name != "sample_prompt"
        )
        prompt = json.dumps(config.sample_prompt, ensure_ascii=False)
        path.write_text("\n".join((*lines, f"sample_prompt = {prompt}")), encoding="utf-8")
        chosen = settings.chosen(Namespace(), path)
    assert settings.training_config(chosen, vocab_size=1) == config


@how(max_examples=100, deadline=None)
@given(configs())
def test_settings_in_a_run_s_folder_are_those_of_the_run(config: TrainingConfig):
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config

"""A name finds its model, and a name from outside finds nothing but what is listed."""

import json
from pathlib import Path

import pytest

from gptviz import checkpoints
from gptviz.language_model import load
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer


def put_model(folder: Path) -> Path:
    checkpoints.save(folder, GPT(GPTConfig(3, 4, 1, 1, 4)), CharacterTokenizer("abc"))
    return folder


def put_run(
    folder: Path, steps: list[int], snapshots: tuple[int, ...] = (), **status: object
) -> Path:
    """A training run's folder: its own config.json, and checkpoints and snapshots below it."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model": {"n_layer": 1}, "steps": 9}')
    (folder / "status.json").write_text(json.dumps({"state": "running", **status}))
    for step in steps:
        put_model(folder / "checkpoints" / f"step-{step:06d}")
    for step in snapshots:
        put_model(folder / "snapshots" / f"step-{step:06d}")
    return folder


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


def test_the_models_are_those_of_the_repository_if_nothing_else_is_said(monkeypatch):
    monkeypatch.delenv("GPTVIZ_CHECKPOINTS")
    assert checkpoints.root() == Path(__file__).parents[2] / "checkpoints"


class TestNames:
    def test_the_bundled_model_comes_first_and_the_others_in_order(self, root: Path):
        for name in ("zebra", "story", "shakespeare", "Ada", "tales", "my model"):
            put_model(root / name)
        assert checkpoints.names() == [
            *("tales", "shakespeare", "story"),
            *("Ada", "my model", "zebra"),
        ]

    def test_what_is_no_readable_model_is_left_out(self, root: Path):
        put_model(root / "good")
        (root / "empty").mkdir()
        (root / "README.md").write_text("")
        put_model(root / ".hidden")
        put_model(root / "no weights").joinpath("model.safetensors").unlink()
        without = put_model(root / "no tokenizer")
        for name in ("characters.json", "tokenizer.json"):
            (without / name).unlink()
        put_model(root / "broken").joinpath("config.json").write_text("{")
        put_model(root / "llama").joinpath("config.json").write_text('{"model_type": "llama"}')
        assert checkpoints.names() == ["good"]

    def test_a_training_run_is_listed_from_its_first_checkpoint_on(self, root: Path):
        put_run(root / "begun", [])
        put_run(root / "under way", [100], last_step=100)
        assert checkpoints.names() == ["under way"]

    def test_without_the_folder_there_are_none(self, root: Path):
        root.rmdir()
        assert checkpoints.names() == []

    def test_a_link_out_of_the_folder_is_not_listed(self, root: Path, tmp_path: Path):
        (root / "out").symlink_to(put_model(tmp_path / "elsewhere"))
        (root / "within").symlink_to(put_model(root / "model"))
        (root / "loop").symlink_to(root / "loop")
        assert checkpoints.names() == ["model", "within"]

    def test_a_run_whose_checkpoints_lie_outside_is_not_listed(self, root: Path, tmp_path: Path):
        run = put_run(root / "run", [], last_step=1)
        put_model(tmp_path / "elsewhere" / "step-000001")
        (run / "checkpoints").symlink_to(tmp_path / "elsewhere")
        assert checkpoints.names() == []


class TestFind:
    def test_a_name_a_folder_and_a_run_are_found(self, root: Path, tmp_path: Path):
        assert checkpoints.find(str(put_model(tmp_path / "anywhere"))) == tmp_path / "anywhere"
        put_model(root / "mine")
        assert checkpoints.find("mine") == root / "mine"
        run = put_run(root / "run", [100, 200], best_step=100, last_step=200)
        assert checkpoints.find("run") == run / "checkpoints" / "step-000100"
        assert checkpoints.find(str(run)) == run / "checkpoints" / "step-000100"

    def test_a_folder_below_the_present_one_is_found(self, tmp_path: Path, monkeypatch):
        put_model(tmp_path / "here")
        monkeypatch.chdir(tmp_path)
        assert load("here").config.vocab_size == 3
        assert load(Path("here")).name == "here"

    def test_a_path_is_not_looked_for_among_the_names(
        self, root: Path, tmp_path: Path, monkeypatch
    ):
        put_model(root / "mine")
        monkeypatch.chdir(put_model(tmp_path / "here"))
        (tmp_path / "here" / "below").mkdir()
        lm = load(".")
        assert (lm.name, lm.config.vocab_size) == (Path.cwd().name, 3)
        assert checkpoints.find("..") == Path("..")
        assert checkpoints.find("below/..") == Path("below/..")

    def test_a_home_is_found(self, tmp_path: Path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        put_model(tmp_path / "mine")
        assert checkpoints.find("~/mine") == tmp_path / "mine"

    def test_a_run_without_a_best_checkpoint_gives_its_last(self, root: Path):
        run = put_run(root / "run", [200], last_step=200)
        assert checkpoints.find("run") == run / "checkpoints" / "step-000200"

    def test_a_run_whose_best_checkpoint_is_gone_gives_its_last(self, root: Path):
        run = put_run(root / "run", [200], best_step=100, last_step=200)
        assert checkpoints.find("run") == run / "checkpoints" / "step-000200"

    def test_a_run_whose_status_cannot_be_read_gives_its_last(self, root: Path):
        run = put_run(root / "run", [100, 200], best_step=100, last_step=200)
        (run / "status.json").write_text("{half")
        assert checkpoints.find("run") == run / "checkpoints" / "step-000200"
        assert checkpoints.names() == ["run"]

    def test_a_step_of_a_run_is_found_by_its_id(self, root: Path):
        run = put_run(root / "run", [100, 200], (0, 10, 200), best_step=100, last_step=200)
        for name in ("run", str(run)):
            assert checkpoints.find(f"{name}@step-000010") == run / "snapshots" / "step-000010"
            assert checkpoints.find(f"{name}@step-000000") == run / "snapshots" / "step-000000"
            assert checkpoints.find(f"{name}@step-000100") == run / "checkpoints" / "step-000100"
        with pytest.raises(FileNotFoundError, match="run keeps nothing of 'step-000011'; choose"):
            checkpoints.find("run@step-000011")

    @pytest.mark.parametrize("find", [checkpoints.find, checkpoints.find_listed])
    def test_a_name_may_hold_an_at_sign(self, find, root: Path):
        run = put_run(root / "a@b", [100], (10,), best_step=100)
        assert find("a@b") == run / "checkpoints" / "step-000100"
        assert find("a@b@step-000010") == run / "snapshots" / "step-000010"

    def test_a_step_keeps_its_weights_when_its_checkpoint_goes(self, root: Path):
        run = put_run(root / "run", [200], (200,), last_step=200)
        assert checkpoints.find("run@step-000200") == run / "snapshots" / "step-000200"

    def test_a_run_that_has_only_begun_says_so(self, root: Path):
        put_run(root / "run", [])
        with pytest.raises(FileNotFoundError, match="has no checkpoint; wait for its first"):
            checkpoints.find("run")

    def test_a_broken_model_is_found_so_that_reading_says_what_is_wrong(self, root: Path):
        put_model(root / "broken").joinpath("config.json").write_text("{")
        with pytest.raises(ValueError, match="no valid JSON"):
            load("broken")

    @pytest.mark.parametrize(
        "name",
        [
            *("", "/no/such/folder", "./nowhere", "a/b/c", "nul\0", "x" * 999, "a--b", "a..b"),
            *("a b", "~no-such-user/model", "~no-such-user/run@step-000001", "~nul\0", "~\ud800"),
            *("./mine", "../checkpoints/mine"),
        ],
    )
    def test_an_absent_folder_is_refused_with_what_there_is(self, name: str, root: Path):
        put_model(root / "mine")
        with pytest.raises(FileNotFoundError, match="there are: mine"):
            checkpoints.find(name)

    def test_an_absent_model_says_how_to_get_it(self):
        with pytest.raises(FileNotFoundError, match=r'"no-such/model"\) once, or copy its folder'):
            checkpoints.find("no-such/model")


class TestFindListed:
    def test_a_listed_name_is_found(self, root: Path):
        put_model(root / "mine")
        put_run(root / "run", [1], best_step=1)
        assert [checkpoints.find_listed(name).name for name in checkpoints.names()] == [
            "mine",
            "step-000001",
        ]

    @pytest.mark.parametrize(
        "name",
        [
            *(
                "..",
                ".",
                "",
                "../outside",
                "mine/../../outside",
                "mine/",
                "./mine",
                "MINE",
                "mine ",
            ),
            *("~", "gpt2", "mine\0", "%2e%2e", "run/checkpoints/step-000001", ".hidden", "empty"),
        ],
    )
    def test_every_other_name_is_refused(self, name: str, root: Path, tmp_path: Path):
        for folder in (root / "mine", root / ".hidden", tmp_path / "outside"):
            put_model(folder)
        put_run(root / "run", [1], best_step=1)
        (root / "empty").mkdir()
        with pytest.raises(FileNotFoundError, match="there are: mine, run"):
            checkpoints.find_listed(name)

    def test_the_steps_of_a_listed_run_are_found_while_it_runs(self, root: Path):
        run = put_run(root / "run", [9], (0, 9), best_step=9)
        put_model(root / "mine")
        for step in (0, 9):
            name = f"run@step-{step:06d}"
            assert checkpoints.find_listed(name) == run / "snapshots" / f"step-{step:06d}"
        assert checkpoints.names() == ["mine", "run"], "a list does not name every step"

    @pytest.mark.parametrize(
        "name",
        [
            *("run@", "run@step-000002", "run@step-9", "run@step-000009/", "run@../run", "@"),
            *(
                "run@step-000009\0",
                "run@step-٠٠٠٠٠٩",
                "run@.step-000009.partial",
                "run@step-000009@",
            ),
            *("../checkpoints/run@step-000009", "outside@step-000009", "@step-000009"),
            *("mine@step-000009", "run@run@step-000009", "run@step-000003", "begun@step-000000"),
        ],
    )
    def test_no_other_step_is_found(self, name: str, root: Path, tmp_path: Path):
        run = put_run(root / "run", [9], (0, 9), best_step=9)
        put_run(root / "begun", [], (0,))
        put_model(root / "mine")
        put_run(tmp_path / "outside", [9], (9,), best_step=9)
        link = run / "snapshots" / "step-000003"
        link.symlink_to(tmp_path / "outside" / "snapshots" / "step-000009")
        with pytest.raises(FileNotFoundError, match=r"there are: mine, run|keeps nothing of"):
            checkpoints.find_listed(name)

    def test_a_path_is_refused_even_if_a_model_lies_there(self, root: Path, tmp_path: Path):
        put_model(root / "mine")
        for path in (root / "mine", put_model(tmp_path / "outside")):
            with pytest.raises(FileNotFoundError, match="there is no model"):
                checkpoints.find_listed(str(path))

"""Runs as a page sees them: what state they are in, and what may be done to them."""

import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from gptviz import jobs
from gptviz.cli import main
from gptviz.disk import write_json
from gptviz.jobs import slot
from gptviz.model import GPTConfig
from gptviz.runs import Run, compare, names
from gptviz.training.config import TrainingConfig

CONFIG = TrainingConfig(GPTConfig(5, 8, 1, 1, 4), "text.txt")
ENDED = ("paused", "stopped", "done", "failed")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "My run", CONFIG)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """No process is started: the runs for which one would have been."""
    runs: list[Run] = []
    monkeypatch.setattr(jobs, "launch", runs.append)
    return runs


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("told", ["queued", "running"])
def test_a_run_lives_as_long_as_a_process_holds_it_and_has_crashed_if_none_does(run, told):
    run.update_status({"state": told})
    with run.locked():
        assert jobs.state(run) == told
    assert jobs.state(run) == "crashed"


@pytest.mark.parametrize("told", ENDED)
def test_a_run_that_has_ended_says_how(run, told):
    run.update_status({"state": told})
    assert jobs.state(run) == told


def test_a_run_that_ends_while_it_is_looked_at_has_not_crashed(run, monkeypatch):
    run.update_status({"state": "running"})

    def it_ends(self: Run) -> bool:
        self.update_status({"state": "done"})
        return False

    monkeypatch.setattr(Run, "is_held", property(it_ends))
    assert jobs.state(run) == "done"


def test_runs_are_listed_the_newest_first_and_what_is_none_is_left_out(tmp_path: Path):
    for name in ("b", "a", "c"):
        Run.create(tmp_path / name, CONFIG)
    times = {"b": "2026-01-03", "a": "2026-01-01", "c": "2026-01-02"}
    for name, created in times.items():
        write_json(tmp_path / name / "about.json", {"name": name, "created": created})
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{half")
    Run.create(tmp_path / "worse", CONFIG)
    (tmp_path / "worse" / "about.json").write_text("{half")
    Run.create(tmp_path / ".hidden", CONFIG)
    (tmp_path / "a file").write_text("")
    assert [run.id for run in jobs.list_runs(tmp_path)] == ["b", "c", "a"]
    assert jobs.list_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "hostile",
    [
        *("", ".", "..", "../my-run", "my-run/", "./my-run", "my-run/../my-run", "/etc", "~"),
        *("MY-RUN", "my-run ", "my-run\0", "%2e%2e", ".hidden", "outside", "link", "x" * 5000),
        *("my-run@step-000001", "my-run\n", "<script>", "model"),
    ],
)
def test_an_id_from_outside_finds_a_listed_run_and_nothing_else(tmp_path, hostile):
    root = tmp_path / "root"
    Run.create(root / "my-run", CONFIG)
    Run.create(root / ".hidden", CONFIG)
    Run.create(tmp_path / "outside", CONFIG)
    (root / "link").symlink_to(tmp_path / "outside")
    assert jobs.find_run("my-run", root).folder == root / "my-run"
    with pytest.raises(FileNotFoundError, match=r"there is no run .*; there are: my-run$"):
        jobs.find_run(hostile, root)


def test_who_looks_for_a_run_that_is_not_there_is_told_which_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no run 'nix', nor any other yet; train"):
        jobs.find_run("nix", tmp_path)
    for i in range(21):
        Run.create(tmp_path / f"run {i}", CONFIG)
    with pytest.raises(FileNotFoundError) as info:
        jobs.find_run("nix", tmp_path)
    named = str(info.value).partition("there are: ")[2].split(", ")
    assert len(named) == 21
    assert named[-1] == "…"
    assert set(named[:-1]) <= {f"run {i}" for i in range(21)}


NAMES = [
    "My first run",
    "läuft & läuft",
    "日本語",
    "a" * 80,
    "v1.0+lr",
    "run#1",
    "a%b@c",
    "Console",
]


@pytest.mark.parametrize("name", [*NAMES, "  spaces around  "])
def test_a_run_is_called_everywhere_as_it_was_named(tmp_path, started, name, monkeypatch, capsys):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    run = jobs.start(CONFIG, name, tmp_path)
    assert started == [run]
    assert run.id == run.name == run.folder.name == name.strip()
    assert run.folder.parent == tmp_path
    assert jobs.find_run(run.name, tmp_path).config == CONFIG
    assert compare.table([run])["run"].tolist() == [run.name]
    assert main(["runs"]) == 0
    assert capsys.readouterr().out.splitlines()[1].strip().startswith(run.name)


@pytest.mark.usefixtures("started")
def test_equal_names_are_numbered_those_of_models_and_of_the_gallery_too(tmp_path):
    (tmp_path / "tales").mkdir()
    shipped = Run.create(tmp_path / jobs.GALLERY / "no-positions", CONFIG)
    write_json(shipped.folder / "about.json", {"name": "No positions", "shipped": True})
    wanted = ["small", "small", "tales", "small", "No positions"]
    names = [jobs.start(CONFIG, name, tmp_path).name for name in wanted]
    assert names == ["small", "small 2", "tales 2", "small 3", "No positions 2"]


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "has 0 signs; give one of 1 to 80"),
        ("  ", "has 0 signs; give one of 1 to 80"),
        ("a" * 81, "has 81 signs; give one of 1 to 80"),
        ("\N{BRAIN}" * 61, "has 61 signs; give one of 1 to 80"),  # a folder's name is too long
        ("two\nlines", "leave out line breaks and the signs / "),
        ("bell\a", "leave out line breaks and the signs / "),
        ("../../etc/passwd", "leave out line breaks and the signs / "),
        ("what?", "leave out line breaks and the signs / "),
        ("a: b", "leave out line breaks and the signs / "),
        (".hidden", "begin and end with a letter"),
        ("-option", "begin and end with a letter"),
        ("etc.", "begin and end with a letter"),
        ("CON", "choose another word"),  # a device on Windows, as is the next one
        ("lpt1.draft", "choose another word"),
    ],
)
def test_a_name_that_can_be_no_folder_s_is_refused(tmp_path, run, name, sentence):
    for attempt in (lambda: jobs.start(CONFIG, name, tmp_path), lambda: jobs.rename(run, name)):
        with pytest.raises(ValueError, match=sentence):
            attempt()
    assert [run.id for run in jobs.list_runs(tmp_path)] == ["My run"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        *((name, name) for name in NAMES),
        ("../a:b?", "a-b"),
        ("lpt1.draft", "run lpt1.draft"),
        ("...", "run"),
        ("", "run"),
        ("b" * 300, "b" * 80),
        ("\N{BRAIN}" * 61, "\N{BRAIN}" * 60),
    ],
)
def test_a_name_that_nobody_typed_is_made_one_that_can_be_a_folder_s(words, name):
    assert names.usable(words) == name == names.checked(name)


def test_a_new_name_is_the_folder_s_too_and_equal_ones_are_numbered(run, tmp_path):
    created = run.created
    Run.create(tmp_path / "Another name", CONFIG)
    renamed = jobs.rename(run, "Another name")
    found = jobs.find_run("Another name 2", tmp_path)
    assert (found.name, found.created) == ("Another name 2", created)
    assert found.folder == renamed.folder
    assert not run.folder.exists()
    assert jobs.rename(renamed, " Another name 2 ").folder == renamed.folder, "it has that name"


@pytest.mark.parametrize("told", ["queued", "running"])
def test_a_run_that_lives_takes_orders_and_is_not_deleted(run, told):
    run.update_status({"state": told})
    with run.locked():
        jobs.pause(run)
        assert run.control == {"command": "pause"}
        jobs.stop(run)
        assert run.control == {"command": "stop"}
        with pytest.raises(ValueError, match=r"My run trains or waits .* stop it first to delete"):
            jobs.delete(run)
        with pytest.raises(ValueError, match=r"My run trains or waits .* stop it first to rename"):
            jobs.rename(run, "Another name")
        with pytest.raises(ValueError, match="is being trained by another process"):
            jobs.resume(run)
    assert run.folder.is_dir()


@pytest.mark.parametrize("told", [*ENDED, "running"])
def test_a_run_that_does_not_live_takes_no_orders_and_can_be_deleted(run, tmp_path, told):
    run.update_status({"state": told})
    for command in (jobs.pause, jobs.stop):
        sentence = f"My run neither trains nor waits .* cannot {command.__name__}; resume it first"
        with pytest.raises(ValueError, match=sentence):
            command(run)
    jobs.delete(run)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_being_started_lives_before_its_process_holds_it(run):
    run.update_status({"state": "queued"})
    with run.starting():
        assert jobs.state(run) == "queued"
        with pytest.raises(ValueError, match="is being trained by another process"):
            jobs.resume(run)
        with run.locked():  # its process is there
            assert jobs.state(run) == "queued"
    assert jobs.state(run) == "crashed"


def test_a_run_that_is_done_is_not_resumed(run, started):
    run.update_status({"state": "done"})
    with pytest.raises(ValueError, match="My run is done; give it more steps to train longer"):
        jobs.resume(run)
    run.update_status({"state": "paused"})
    jobs.resume(run)
    assert started == [run]


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_cannot_work_is_refused(run, rate):
    with pytest.raises(ValueError, match=r"the learning rate is .*; it must be above 0"):
        jobs.set_learning_rate(run, rate)
    assert run.control == {}


def change_rate(run: Run) -> None:
    jobs.set_learning_rate(run, 0.1)


def give_name(run: Run) -> None:
    jobs.rename(run, "Another name")


@pytest.mark.parametrize(
    "deed", [jobs.pause, jobs.stop, jobs.resume, jobs.delete, change_rate, give_name]
)
@pytest.mark.parametrize("told", ["running", "stopped"])
def test_what_is_asked_of_a_deleted_run_is_refused_in_words(run, tmp_path, told, deed):
    run.update_status({"state": told})
    jobs.delete(Run(run.folder))
    with pytest.raises(FileNotFoundError) as info:
        deed(run)
    assert str(info.value) == ("the run 'My run' is no longer there; choose one from the list")
    assert list(tmp_path.iterdir()) == [], "nothing of it comes back"


def test_of_two_who_delete_a_run_at_once_the_second_is_told(run, monkeypatch):
    @contextmanager
    def locked_too_late(run: Run):
        shutil.rmtree(run.folder)
        yield

    monkeypatch.setattr(Run, "locked", locked_too_late)
    with pytest.raises(FileNotFoundError, match="'My run' is no longer there"):
        jobs.delete(run)


class Waiting:
    """Stands in the queue for the slot in a thread, until it may give it back."""

    def __init__(self, run: Run, at: float, turns: list[str]):
        run.update_status({"state": "queued", "queued_at": at})
        self.run, self.at, self.turns = run, at, turns
        self.aheads: list[int] = []
        self.leaves = threading.Event()
        self.thread = threading.Thread(target=self.wait)
        self.thread.start()

    def wait(self) -> None:
        with slot.turn(self.at, self.leaves.is_set, self.aheads.append) as ours:
            self.turns.append(self.run.id if ours else f"not {self.run.id}")
            assert self.leaves.wait(60)


def test_runs_wait_in_the_order_in_which_they_came_and_know_their_place(tmp_path, monkeypatch):
    monkeypatch.setattr(slot, "LOOKS", 0.005)
    turns: list[str] = []
    runs = [Run.create(tmp_path / name, CONFIG) for name in ("first", "second", "third", "fourth")]
    first = Waiting(runs[0], 100.0, turns)
    wait_until(lambda: turns == ["first"])
    # They come to the queue in another order than they were asked for.
    fourth, second, third = (Waiting(runs[i], 100.0 + i, turns) for i in (3, 1, 2))
    places = lambda: [jobs.queue_position(run) for run in runs[1:]]  # noqa: E731
    wait_until(lambda: places() == [0, 1, 2])
    wait_until(lambda: fourth.aheads[-1:] == [2])
    third.leaves.set()  # it is told to stop while it waits
    third.thread.join(60)
    wait_until(lambda: places() == [0, 1, 1])
    first.leaves.set()
    wait_until(lambda: turns == ["first", "not third", "second"])
    assert jobs.queue_position(runs[3]) == 0
    second.leaves.set()
    wait_until(lambda: turns[-1] == "fourth")
    fourth.leaves.set()
    for waiting in (first, second, fourth):
        waiting.thread.join(60)
    assert list((slot.folder() / "queue").iterdir()) == []


def test_the_ticket_of_a_dead_run_holds_up_nobody(run):
    waits = "slot.turn(1.0, on_wait=lambda ahead: print('waits', flush=True))"
    code = f"from gptviz.jobs import slot\nwith {waits}: pass"
    run.update_status({"queued_at": 2.0})
    with slot.turn(0.0):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"waits\n"
            assert jobs.queue_position(run) == 1
            process.kill()
        assert len(list((slot.folder() / "queue").iterdir())) == 1, "its ticket is still there"
    assert jobs.queue_position(run) == 0
    with slot.turn(2.0) as ours:
        assert ours


def test_a_slot_that_cannot_be_used_is_told_in_words(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GPTVIZ_SLOT", str(tmp_path / "file"))
    with (
        pytest.raises(OSError, match=r"cannot be used to queue for training .* in GPTVIZ_SLOT"),
        slot.turn(1.0),
    ):
        pass

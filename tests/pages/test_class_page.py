"""Class: the token, who is there, stopping runs of others, the wall, locks, pushes and the zip."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from explorer.runs.class_state import ClassState
from explorer.runs.records import RunRecord, RunStatus
from explorer.runs.training import execute
from explorer.training.presets import PRESETS
from explorer.ui import class_controls, class_overview, identity, services
from explorer.ui.classroom import classroom
from tests.pages.conftest import VISITOR
from tests.pages.look import address, button, picker, run_of, texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]
Become = Callable[[str], None]

ANN, BOB, TEACHER = "a" * 24, "b" * 24, VISITOR


@pytest.fixture
def become(server: None, monkeypatch: pytest.MonkeyPatch) -> Become:
    """Makes another visitor the one whose browser opens pages."""

    def changed(visitor_id: str) -> None:
        monkeypatch.setattr(identity, "_visitor_id", lambda: visitor_id)

    return changed


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that wrong tokens have to wait."""
    slept: list[float] = []
    real = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) if seconds == 1.0 else real(seconds))
    return slept


@pytest.fixture
def room(become: Become) -> Iterator[None]:
    """Ann, Bob and a teacher, who is the one that opens pages; nothing is locked."""
    visitors = services.store().visitors
    for visitor_id, name in ((ANN, "Ann"), (BOB, "Bob <b>"), (TEACHER, "Teacher")):
        visitors.visitor(visitor_id)
        visitors.rename(visitor_id, name)
    visitors.make_teacher(TEACHER, services.teacher_token(), services.teacher_token())
    become(TEACHER)
    yield
    classroom().change(lambda now: now.with_locks([], []))


def trained(owner: str, shared: bool = False) -> RunRecord:
    """A run of a visitor on imagery of their own that has ended."""
    store = services.store()
    dataset = tiny_dataset("secret harbour")
    record = store.create_run(tiny_plan(4), store.save_dataset(dataset, owner), owner=owner)
    for _ in execute(store.folder(record.id), dataset, device="cpu", checkpoint_steps=2):
        pass
    store.ingest(record.id)
    return store.run(record.id)


def shown(page: AppTest) -> str:
    """Everything that the page says, its headings and links included."""
    links = [each.proto.label for each in page.get("page_link")]
    return texts(page) + " ".join(each.value for each in page.header) + " ".join(links)


def sidebar_links(page: AppTest) -> dict[str, bool]:
    """Labels of the pages in the sidebar, and whether their links are disabled."""
    return {each.proto.label: each.proto.disabled for each in page.sidebar.get("page_link")}


def test_others_see_a_field_and_no_link(open_page: OpenPage, become: Become, no_waiting: list[float]) -> None:
    become(ANN)
    page = open_page("pages/class.py").run()
    assert not page.exception
    assert [each.label for each in page.text_input if not each.proto.label.startswith("Name")] == ["Teacher's token"]
    assert "Class" not in sidebar_links(page)
    assert not page.get("download_button")
    page.text_input(key="teacher-token").set_value("not the token").run()
    assert "This is not the token" in page.error[0].value
    assert no_waiting == [1.0]
    assert not identity.visitor().teacher
    assert page.text_input(key="teacher-token").value == ""


def test_right_token_opens_the_page_and_its_link(open_page: OpenPage, become: Become, no_waiting: list[float]) -> None:
    become("c" * 24)
    page = open_page("pages/class.py").run()
    page.text_input(key="teacher-token").set_value(services.teacher_token()).run()
    assert not page.exception
    assert identity.visitor().teacher
    assert "Class" in sidebar_links(page)
    assert "Collect the results (zip)" in [each.proto.label for each in page.get("download_button")]
    assert no_waiting == []


@pytest.mark.parametrize("right", [True, False])
def test_token_of_the_address_is_taken_once_and_removed(open_page: OpenPage, become: Become, right: bool) -> None:
    become("d" * 24 if right else "e" * 24)
    page = open_page("pages/class.py")
    page.query_params["token"] = services.teacher_token() if right else "not the token"
    page.run()
    assert not page.exception
    assert "token" not in address(page)
    assert identity.visitor().teacher == right
    assert ("This is not the token" in texts(page)) == (not right)
    page.run()
    assert "This is not the token" not in texts(page)


def test_who_is_there_and_what_runs_without_a_word_of_imagery(open_page: OpenPage, room: None) -> None:
    store = services.store()
    dataset_id = store.save_dataset(tiny_dataset("secret harbour"), ANN)
    record = store.create_run(tiny_plan(100_000), dataset_id, owner=ANN)
    services.engine().submit(record.id)
    page = open_page("pages/class.py").run()
    assert not page.exception
    assert "here, 1 run at work" in shown(page)
    assert "own imagery" in shown(page)
    for word in ("secret", "harbour", "square", "scene0"):
        assert word not in shown(page)
    assert record.name not in [each.proto.label for each in page.get("page_link")], "it is not shared"
    assert "Bob" in " ".join(each.value for each in page.caption)
    assert "<b>" not in shown(page)
    page.button(key=f"class-stop-{record.id}").click().run()
    assert not page.exception
    deadline = time.monotonic() + 120  # the worker may still start
    while store.run(record.id).status.active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert store.run(record.id).status is RunStatus.STOPPED


def test_callbacks_look_whether_a_teacher_asks(room: None, become: Become) -> None:
    store = services.store()
    record = store.create_run(tiny_plan(4), store.save_dataset(tiny_dataset()), owner=BOB)
    become(ANN)
    class_overview._act("stop", record.id)
    class_controls._push("imagery", None)
    assert store.run(record.id).status is RunStatus.PAUSED
    assert classroom().state.push is None or classroom().state.push.page != "imagery"


def test_wall_shows_the_newest_run_of_each_and_says_by_which_rule(open_page: OpenPage, room: None) -> None:
    trained(ANN)
    trained(BOB)
    page = open_page("pages/class.py").run()
    assert not page.exception
    said = " ".join(each.value for each in page.caption)
    assert "the last validation of a visitor's newest run" in said
    assert "Match rule: IoU > 0.5" in said
    assert "square" not in said, "the class of imagery that is not shared"


def test_zip_has_the_runs_of_the_class(open_page: OpenPage, room: None) -> None:
    run = trained(ANN)
    with zipfile.ZipFile(io.BytesIO(class_overview.collected())) as archive:
        names = archive.namelist()
        index = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
    assert f"Ann/{run.id}/summary.json" in names
    assert {"Ann", "own imagery"} <= {value for row in index if row["run"] == run.id for value in row.values()}
    assert not [name for name in names if not name.endswith((".json", ".csv"))]


def test_locked_page_shows_a_sentence_and_nothing_else(open_page: OpenPage, room: None, become: Become) -> None:
    classroom().change(lambda now: now.with_locks([], ["loss_lab"]))
    become(ANN)
    page = open_page("pages/loss_lab.py").run()
    assert not page.exception
    assert "The teacher has locked this page" in texts(page)
    assert not page.selectbox
    assert not page.slider
    assert sidebar_links(page)["Loss lab"]
    assert not sidebar_links(page)["Train"]
    become(TEACHER)
    page = open_page("pages/loss_lab.py").run()
    assert "locked" not in texts(page)


@pytest.fixture
def train(open_page: OpenPage, measured: None, room: None, become: Become) -> AppTest:
    """Train as Ann sees it, on a tiny dataset."""
    become(ANN)
    page = open_page("pages/train.py")
    page.query_params["dataset"] = services.store().save_dataset(tiny_dataset("mine"), ANN)
    page.query_params["preset"] = "recall_first"
    return page


def edit(page: AppTest, row: int, **values: object) -> None:
    """Types into the table of phases."""
    named = {name.replace("_", " "): value for name, value in values.items()}
    page.session_state[f"phases-{page.session_state['plan-token']}"] = {
        "edited_rows": {row: named},
        "added_rows": [],
        "deleted_rows": [],
    }
    page.run()


def test_losses_changed_before_the_lock_go_back_and_rates_stay(train: AppTest) -> None:
    train.run()
    given = train.session_state["plan-now"]
    edit(train, 0, Loss="Focal", Learning_rate=0.0123)
    assert train.session_state["plan-now"].phases[0].loss.kind == "focal"
    classroom().change(lambda now: now.with_locks(["losses"], []))
    train.run()
    assert not train.exception
    now = train.session_state["plan-now"]
    assert now.phases[0].loss == given.phases[0].loss
    assert now.phases[0].learning_rate == 0.0123
    assert "is taken back" in texts(train)
    assert "The teacher has locked losses and their settings" in texts(train)


def test_plan_whose_losses_were_changed_against_a_lock_does_not_start(train: AppTest) -> None:
    classroom().change(lambda now: now.with_locks(["losses"], []))
    train.run()
    before = len(services.store().runs())
    token = train.session_state["plan-token"]
    train.session_state[f"phases-{token}"] = {
        "edited_rows": {0: {"Loss": "Focal"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    button(train, "Play").click().run()  # what a browser sends that takes no notice of the lock
    assert not train.exception
    assert "the teacher has locked this" in " ".join(each.value for each in train.error)
    assert len(services.store().runs()) == before


def test_plan_of_an_earlier_run_that_a_lock_keeps_back_is_said_to_be(train: AppTest) -> None:
    dataset_id = services.store().save_dataset(tiny_dataset("mine"), ANN)
    train.query_params["run"] = services.store().create_run(tiny_plan(name="earlier"), dataset_id, owner=ANN).id
    classroom().change(lambda now: now.with_locks(["losses"], []))
    train.run()
    button(train, "New run").click().run()
    assert not train.exception
    assert train.session_state["plan-now"].name != "earlier"
    assert "not that of the earlier run is opened" in texts(train)
    train.run()
    assert "not that of the earlier run is opened" not in texts(train), "said once"


@pytest.mark.parametrize("way", ["class", "link"])
def test_locked_widgets_are_disabled(train: AppTest, way: str) -> None:
    names = ["preset", "dataset", "length", "start", "rate"]
    if way == "class":
        classroom().change(lambda now: now.with_locks(names, []))
    else:
        train.query_params["lock"] = ",".join(names)
    train.run()
    assert not train.exception
    for label in ("Preset", "Dataset", "Training time"):
        assert picker(train, label).disabled, label
    assert button(train, "Play").disabled
    assert not picker(train, "Segmenter").disabled
    said = [each.value for each in train.caption if "The teacher has locked" in each.value]
    assert len(said) == 1


def test_whole_plan_is_locked(train: AppTest) -> None:
    classroom().change(lambda now: now.with_locks(["plan"], []))
    train.run()
    assert not train.exception
    labels = {"Segmenter", "Cycles", "Seed", "Batch size", "Weight decay", "Name", "Class weights", "Working scale"}
    widgets = [*train.selectbox, *train.number_input, *train.text_input, *train.slider, *train.checkbox]
    found = {each.label: each.disabled for each in widgets if each.label in labels}
    assert found == dict.fromkeys(labels, True)


def test_locked_upload_and_dataset(open_page: OpenPage, room: None, become: Become) -> None:
    become(ANN)
    page = open_page("pages/imagery.py")
    page.query_params["source"] = "Upload"
    page.run()
    page.get("file_uploader")[0].set_value([("a.png", b"x", "image/png")])
    classroom().change(lambda now: now.with_locks(["upload", "dataset"], []))
    page.run()
    assert not page.exception
    assert "the teacher has locked this" in texts(page)
    assert "upload" not in address(page), "nothing is kept"
    assert all(each.proto.disabled for each in page.get("file_uploader"))
    home = open_page("app.py").run()
    assert button(home, "Train on it").disabled


def test_address_cannot_change_a_locked_preset(train: AppTest) -> None:
    train.run()
    classroom().change(lambda now: now.with_locks(["preset"], []))
    train.query_params["preset"] = "focal"
    train.run()
    assert picker(train, "Preset").value == "recall_first"


def test_pushed_page_opens_for_all_but_the_teacher(open_page: OpenPage, room: None, become: Become) -> None:
    pages = {}
    for visitor_id in (ANN, TEACHER):
        become(visitor_id)
        pages[visitor_id] = open_page("app.py").run()
    teacher = open_page("pages/class.py").run()
    picker(teacher, "A page").set_value("loss_lab").run()
    button(teacher, "Send to page").click().run()
    assert not teacher.exception
    assert classroom().state.push is not None
    titles = {}
    for visitor_id, page in pages.items():
        become(visitor_id)
        page.run()
        assert not page.exception
        titles[visitor_id] = [each.value for each in page.title]
    assert titles[ANN] == ["Loss lab"]
    assert titles[TEACHER] != ["Loss lab"]
    become(BOB)
    late = open_page("pages/imagery.py").run()
    assert [each.value for each in late.title] == ["Imagery"], "who comes later starts where the link leads"


def test_pushed_preset_keeps_an_edited_plan_and_gives_it_back(train: AppTest, become: Become) -> None:
    train.run()
    edit(train, 0, Steps=77, Minimum_steps=0)
    mine = train.session_state["plan-now"]
    assert mine.phases[0].steps == 77
    become(TEACHER)
    class_controls._push("train", "focal")
    become(ANN)
    train.run()
    assert not train.exception
    assert picker(train, "Preset").value == "focal"
    assert PRESETS["focal"].name in next(each.value for each in train.toast)
    assert [phase.loss.kind for phase in train.session_state["plan-now"].phases] == ["focal"]
    assert "is kept" in texts(train)
    button(train, "Take my plan back").click().run()
    assert not train.exception
    assert train.session_state["plan-now"] == mine
    assert picker(train, "Preset").value == "recall_first"
    assert "Take my plan back" not in [each.label for each in train.button]


def test_pushed_preset_replaces_an_unchanged_plan_without_asking(train: AppTest, become: Become) -> None:
    train.run()
    become(TEACHER)
    class_controls._push("train", "needle")
    become(ANN)
    train.run()
    assert not train.exception
    assert picker(train, "Preset").value == "needle"
    assert "Take my plan back" not in [each.label for each in train.button]


def test_the_same_preset_pushed_again_takes_edits_out(train: AppTest, become: Become) -> None:
    train.run()
    edit(train, 0, Steps=77, Minimum_steps=0)
    become(TEACHER)
    class_controls._push("train", "recall_first")
    become(ANN)
    train.run()
    assert train.session_state["plan-now"].phases[0].steps != 77
    assert "Take my plan back" in [each.label for each in train.button]


def test_start_is_refused_where_it_is_locked(train: AppTest) -> None:
    train.run()
    button(train, "Play").click()
    classroom().change(lambda now: now.with_locks(["start"], []))
    train.run()
    assert not train.exception
    assert "run" not in address(train) or not run_of(train)


def test_state_holds_after_a_restart(room: None) -> None:
    classroom().change(lambda now: now.with_locks(["rate"], ["train"]))
    classroom.clear()
    assert classroom().state.locked_controls == ("rate",)
    assert classroom().is_open
    assert isinstance(classroom().state, ClassState)

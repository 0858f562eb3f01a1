"""What one visitor makes, another can look at by its link at most."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.runs.records import RunStatus
from explorer.ui import identity, services
from explorer.ui.datasets import dataset_choices, is_dataset, last_used
from tests.pages.conftest import VISITOR
from tests.pages.look import button, picker, texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]
OTHER = "f" * 24


@pytest.fixture
def run_of_another(server: None) -> str:
    """A private run on a private dataset of another visitor, with a checkpoint."""
    store = services.store()
    store.visitors.visitor(OTHER)
    store.visitors.rename(OTHER, "table 4") if store.visitors.names()[OTHER] != "table 4" else None
    record = store.create_run(tiny_plan(100_000), store.save_dataset(tiny_dataset("secret"), OTHER), owner=OTHER)
    services.engine().step(record.id, 3)
    while store.run(record.id).status is not RunStatus.PAUSED:
        pass
    return record.id


def test_run_of_another_visitor_is_not_listed(open_page: OpenPage, run_of_another: str) -> None:
    train = open_page("pages/train.py").run()
    assert not train.exception
    options = [option for box in train.selectbox for option in box.options]
    assert not any("secret" in option for option in options)
    assert "secret" not in texts(open_page("app.py").run())


def test_link_shows_a_run_that_cannot_be_changed(open_page: OpenPage, run_of_another: str) -> None:
    train = open_page("pages/train.py")
    train.query_params["run"] = run_of_another
    train.run()
    assert not train.exception
    assert "table 4" in texts(train)
    assert "not change it" in texts(train)
    assert all(button(train, label).disabled for label in ("Resume", "Pause", "+1", "+10", "Stop"))
    assert "Learning rate" not in [slider.label for slider in train.select_slider]
    assert any("table 4" in option for option in picker(train, "Run").options)


def test_click_that_was_forged_is_refused(open_page: OpenPage, run_of_another: str) -> None:
    train = open_page("pages/train.py")
    train.query_params["run"] = run_of_another
    train.run()
    stop = button(train, "Stop")
    stop.proto.disabled = False  # whoever speaks Streamlit's protocol can send what the page does not offer
    stop.click().run()
    assert services.store().run(run_of_another).status is RunStatus.PAUSED
    with pytest.raises(InputError, match="somebody else's"):  # what its callback asks
        identity.require_change(services.store().run(run_of_another))


def test_new_run_from_anothers_plan_leaves_theirs_alone(open_page: OpenPage, run_of_another: str) -> None:
    train = open_page("pages/train.py")
    train.query_params["run"] = run_of_another
    train.run()
    button(train, "New run").click().run()
    assert not train.exception
    assert services.store().run(run_of_another).status is RunStatus.PAUSED
    assert "secret" not in picker(train, "Dataset").options


def test_dataset_of_another_visitor_is_unknown_until_it_is_shared(open_page: OpenPage, run_of_another: str) -> None:
    dataset_id = services.store().run(run_of_another).dataset_id
    assert not is_dataset(dataset_id)
    assert dataset_id not in dataset_choices()
    train = open_page("pages/train.py")
    train.query_params["dataset"] = dataset_id
    train.run()
    assert not train.exception
    assert "secret" not in texts(train)
    with services.store()._database.transaction() as connection:
        connection.execute("UPDATE datasets SET shared = 1 WHERE id = ?", (dataset_id,))
    assert is_dataset(dataset_id)


def test_upload_of_another_visitor_is_not_shown(open_page: OpenPage) -> None:
    uploads = services.uploads()
    token = uploads.begin(OTHER)
    uploads.add(token, "images", [("secret.png", b"no picture")])
    page = open_page("pages/imagery.py")
    page.query_params["source"] = "Upload"
    page.query_params["upload"] = token
    page.run()
    assert not page.exception
    assert "secret" not in texts(page)
    assert uploads.exists(token)


def test_what_one_chose_last_is_not_offered_to_others(server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    services.store().visitors.choose(identity.visitor().id, "builtin:town")
    assert last_used() == "builtin:town"
    monkeypatch.setattr(identity, "_visitor_id", lambda: "e" * 24)
    assert last_used() is None


def test_a_visitor_has_a_limited_number_of_runs_at_a_time(
    open_page: OpenPage, measured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, plan = services.store(), tiny_plan(100_000)
    dataset_id = store.save_dataset(tiny_dataset())
    limit = services.settings().visitor_runs
    waiting = [store.create_run(plan, dataset_id, owner=VISITOR).id for _ in range(limit)]
    for run_id in waiting:
        services.engine().submit(run_id)
    train = open_page("pages/train.py")
    train.query_params["dataset"] = dataset_id
    train.query_params["preset"] = "ce_only"
    button(train.run(), "Play").click().run()
    assert f"{limit} of your runs wait or train" in texts(train).replace("\\", "")
    assert len([run for run in store.runs() if run.owner == VISITOR]) == limit
    for run_id in waiting:
        services.engine().stop(run_id)


def test_name_is_chosen_in_the_sidebar(open_page: OpenPage) -> None:
    home = open_page("app.py").run()
    field = next(each for each in home.text_input if each.label == "Name that others see")
    field.set_value("table 7").run()
    assert not home.exception
    assert identity.visitor().name == "table 7"


def test_a_name_that_somebody_has_is_refused(open_page: OpenPage, run_of_another: str) -> None:
    with pytest.raises(InputError, match="somebody else has this name"):
        services.store().visitors.rename(VISITOR, "Table 4")

"""The pickers: one label for each run, what the address names, what a choice puts into it, checkpoints by step."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.runs.store import Store
from explorer.ui import finished_runs, identity, services
from explorer.ui.pickers import run_labels, step_of
from tests.runs.tiny import tiny_dataset, tiny_plan


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three runs, of which the first two have checkpoints."""
    store = Store(tmp_path)
    dataset = store.save_dataset(tiny_dataset())
    for steps in ((0, 50, 100, 1000), (0,), ()):
        folder = store.folder(store.create_run(tiny_plan(), dataset).id)
        folder.checkpoints.mkdir()
        for step in steps:
            (folder.checkpoints / f"step_{step:08d}.safetensors").touch()
        (folder.checkpoints / "step_00000077.part").touch()
    monkeypatch.setattr(services, "store", lambda: store)
    monkeypatch.setattr(finished_runs, "_added", lambda _builtin: None)
    monkeypatch.setattr(identity, "_visitor_id", lambda: "0123456789abcdef01234567")  # AppTest has no cookies
    return store


def runs_page() -> None:
    import streamlit as st

    from explorer.ui.pickers import pick_checkpoint, pick_run, runs_with_checkpoints

    record = pick_run(runs_with_checkpoints())
    if record is not None:
        st.text(f"{record.id} {pick_checkpoint(record).name}")


def train_page() -> None:
    import streamlit as st

    from explorer.ui import services
    from explorer.ui.pickers import pick_run

    record = pick_run(services.store().runs(), allow_new=True)
    st.text("new" if record is None else record.id)


def test_labels_of_alike_runs_differ(store: Store) -> None:
    assert len(set(run_labels(store.runs()).values())) == 3


def test_the_newest_run_with_a_checkpoint_is_shown_and_its_last_checkpoint(store: Store) -> None:
    page = AppTest.from_function(runs_page).run()
    _, one, many = store.runs()
    assert page.text[0].value == f"{one.id} step_00000000.safetensors"
    assert "after step 0" in page.caption[0].value
    page.selectbox[0].set_value(many.id).run()
    assert not page.exception
    assert page.text[0].value == f"{many.id} step_00001000.safetensors"
    assert "".join(page.query_params["run"]) == many.id
    page.select_slider[0].set_value(50).run()
    assert page.text[0].value == f"{many.id} step_00000050.safetensors"


def test_the_address_decides(store: Store) -> None:
    page = AppTest.from_function(runs_page)
    many = store.runs()[2]
    page.query_params["run"] = many.id
    assert page.run().selectbox[0].value == many.id
    page.query_params["run"] = store.runs()[1].id
    assert page.run().selectbox[0].value == store.runs()[1].id, "also where the widget held another run"


def test_a_run_without_checkpoints_is_not_replaced_silently(store: Store) -> None:
    page = AppTest.from_function(runs_page)
    page.query_params["run"] = store.runs()[0].id
    page.run()
    assert not page.exception
    assert "has no checkpoint yet" in page.info[0].value
    assert page.selectbox[0].value == store.runs()[1].id


def test_a_new_run_is_a_choice_only_where_one_can_be_planned(store: Store) -> None:
    page = AppTest.from_function(train_page).run()
    assert page.text[0].value == "new"
    assert page.selectbox[0].options[0] == "New run"
    page.selectbox[0].set_value(store.runs()[0].id).run()
    assert page.text[0].value == store.runs()[0].id
    page.selectbox[0].set_value("").run()
    assert page.text[0].value == "new"
    assert "run" not in page.query_params
    assert "New run" not in AppTest.from_function(runs_page).run().selectbox[0].options


def test_step_is_read_from_the_name() -> None:
    assert step_of("step_00000120.safetensors") == 120
    assert step_of("step_00000000.safetensors") == 0

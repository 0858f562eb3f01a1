"""The page Storage: what takes how much, changes to ticked rows, undo, bin, filters, limits, the teacher's totals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from explorer.runs.ownership import Visitor
from explorer.runs.records import JobStatus
from explorer.settings import Settings, settings
from explorer.ui import identity, services, stored
from tests.pages.conftest import VISITOR
from tests.pages.look import address, button, picker, texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]
OTHER = "b" * 24


@pytest.fixture
def page(open_page: OpenPage) -> Iterator[AppTest]:
    """The page of a visitor with a dataset, two runs, a slice and an upload; another visitor shares a run."""
    store = services.store()
    for table in ("events", "jobs", "runs", "datasets"):
        with store._database.transaction() as connection:
            connection.execute(f"DELETE FROM {table}")
    store.visitors.visitor(VISITOR)
    store.visitors.visitor(OTHER)
    dataset_id = store.save_dataset(tiny_dataset("quay"), VISITOR)
    first, _ = (store.create_run(tiny_plan(name=name), dataset_id, owner=VISITOR) for name in ("one", "two"))
    job, _ = store.jobs.create("MeasureSlice", first.id, "slices/a.npz", "random slice", VISITOR)
    (store.folder(first.id).path / "slices").mkdir()
    (store.folder(first.id).path / "slices" / "a.npz").write_bytes(b"x" * 3_000_000)
    store.jobs.set_status(job.id, JobStatus.DONE)
    others = store.create_run(tiny_plan(name="others"), store.save_dataset(tiny_dataset("pier"), OTHER), owner=OTHER)
    hidden = store.create_run(tiny_plan(name="hidden"), others.dataset_id, owner=OTHER)
    with store._database.transaction() as connection:
        connection.execute("UPDATE runs SET shared = 1 WHERE id = ?", (others.id,))
    assert hidden.shared is False
    token = services.uploads().begin(VISITOR)
    services.uploads().add(token, "images", [("north.png", b"x" * 2_000_000), ("south.png", b"y")])
    yield open_page("pages/storage.py")
    for token in services.uploads().owners():
        services.uploads().discard(token)


def said(page: AppTest) -> str:
    """All sentences, as they are read."""
    return texts(page).replace("\\", "")


def names(page: AppTest) -> list[str]:
    """What the table lists."""
    return list(page.dataframe[0].value["name"])


def tick(page: AppTest, *wanted: str, table: int = 0) -> AppTest:
    """Ticks the rows of these names."""
    element = page.dataframe[table]
    rows = [list(element.value["name"]).index(name) for name in wanted]
    page.session_state[element.key or element.proto.id] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    return page.run()


def test_what_the_visitor_has_is_listed_with_its_size_and_nothing_that_others_hide(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert sorted(names(page)) == ["north.png and 1 more", "one", "quay", "random slice", "two"]
    table = page.dataframe[0].value.set_index("name")
    assert 2.8 < table["MiB"]["random slice"] < 2.9
    assert table["MiB"]["one"] < 0.1, "a slice that is listed counts once"
    taken = services.store().usage.of(VISITOR).total / 2**20
    assert sum(table["MiB"]) == pytest.approx(taken)
    page.multiselect(key="storage-whose").set_value([]).run()
    assert "others" in names(page)
    assert "hidden" not in names(page)
    assert "pier" not in names(page)
    others = page.dataframe[0].value.set_index("name").loc["others"]
    assert others["whose"].startswith("shared by Visitor")


def test_ticked_runs_are_deleted_with_an_undo(page: AppTest) -> None:
    tick(page.run(), "one", "two")
    button(page, "Delete").click().run()
    assert not page.exception
    assert not {"one", "two"} & set(names(page))
    assert "Moved to the bin: 2 runs" in said(page)
    page.button(key="change-undo").click().run()
    assert {"one", "two"} <= set(names(page))
    assert "Restored: 2 runs" in said(page)


def test_the_bin_restores_and_removes_for_good(page: AppTest) -> None:
    tick(page.run(), "one", "quay")
    button(page, "Delete").click().run()
    tick(page, "quay", table=1)
    button(page, "Remove for good").click().run()
    assert "2 runs need it" in said(page)
    tick(page, "one", table=1)
    button(page, "Remove for good").click().run()
    assert [each.name for each in services.store().runs() if each.owner == VISITOR] == ["two"]
    tick(page, "quay", table=1)
    button(page, "Restore").click().run()
    assert "quay" in names(page)


def test_rows_are_shared_renamed_tagged_and_archived(page: AppTest) -> None:
    store = services.store()

    def run() -> object:
        return next(each for each in store.runs() if each.owner == VISITOR and each.name != "two")

    tick(page.run(), "one")
    button(page, "Share").click().run()
    assert run().shared  # type: ignore[attr-defined]
    assert button(page, "Stop sharing"), "the tick stays"
    key = f"storage-tags-{hash((('run', run().id),))}"  # type: ignore[attr-defined]
    page.text_input(key=key).set_value(" Ships, lesson 2 ")
    button(page, "Save the tags").click().run()
    assert run().tags == ("lesson 2", "ships")  # type: ignore[attr-defined]
    page.text_input(key=f"storage-name-{run().id}").set_value("Two")  # type: ignore[attr-defined]
    button(page, "Save the name").click().run()
    assert run().name == "Two (2)"  # type: ignore[attr-defined]
    page.multiselect(key="storage-tag-filter").set_value(["ships"]).run()
    assert names(page) == ["Two (2)"]
    tick(page, "Two (2)")
    button(page, "Archive").click().run()
    assert "Nothing matches" in said(page)
    page.toggle(key="storage-archived").set_value(True).run()
    assert names(page) == ["Two (2)"]


def test_filters_find_by_text_and_kind(page: AppTest) -> None:
    page.run()
    page.text_input(key="storage-text").set_value("QUAY").run()
    assert sorted(names(page)) == ["one", "quay", "two"], "runs are found by their dataset, too"
    page.button_group(key="storage-kinds").set_value(["dataset"]).run()
    assert names(page) == ["quay"]


def test_deleted_dataset_of_an_imagery_link_is_said_to_be_deleted_and_comes_back(
    page: AppTest, open_page: OpenPage
) -> None:
    (dataset_id,) = (each.id for each in services.store().datasets() if each.owner == VISITOR)
    services.store().belongings.delete("dataset", dataset_id, Visitor(VISITOR, "me"))
    imagery = open_page("pages/imagery.py")
    imagery.query_params.update({"source": "Saved", "saved": dataset_id})
    imagery.run()
    assert not imagery.exception
    assert "The dataset quay was deleted" in said(imagery)
    assert "There is no saved dataset" not in said(imagery)
    imagery.button(key=f"restore-{dataset_id}").click().run()
    assert address(imagery)["saved"] == dataset_id
    assert picker(imagery, "Saved dataset").value == dataset_id


def test_uploads_and_slices_are_deleted_for_good(page: AppTest) -> None:
    tick(page.run(), "random slice", "north.png and 1 more")
    button(page, "Delete them").click().run()
    assert not page.exception
    assert sorted(names(page)) == ["one", "quay", "two"]
    assert not [each for each in services.uploads().owners().values() if each == VISITOR]


def test_what_is_not_ones_own_is_left_as_it_is(page: AppTest) -> None:
    page.run()
    page.multiselect(key="storage-whose").set_value([]).run()
    tick(page, "others")
    assert "What is not yours is left as it is" in said(page)
    assert all(button(page, label).disabled for label in ("Share", "Archive", "Delete"))


def test_a_full_share_is_said_and_nothing_more_is_begun(
    page: AppTest, open_page: OpenPage, measured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_VISITOR_BYTES", "1000000")
    settings.cache_clear()
    try:
        assert "Your share is full" in said(page.run())
        train = open_page("pages/train.py")
        train.query_params["dataset"] = "builtin:car_park"
        button(train.run(), "Play").click().run()
        refusal = said(train)
        assert "your things take" in refusal
        assert "page Storage" in refusal
        assert not [each for each in services.store().runs() if each.status.active]
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_what_expires_is_said(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "go to the bin when nobody" not in said(page.run())
    limits = Settings(store=settings().store, expiry_days=30)
    monkeypatch.setattr(stored, "settings", lambda: limits)
    assert "expires" in page.run().dataframe[0].value.columns
    expiry = page.dataframe[0].value.set_index("name")["expires"]
    assert expiry["one"] is not None
    assert str(expiry["quay"]) in ("NaT", "None"), "runs need it"


def test_the_teacher_sees_totals_and_no_names_of_things(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(page.run().dataframe) == 1
    services.store().visitors.make_teacher(VISITOR, "the-token", "the-token")
    monkeypatch.setattr(services, "teacher_token", lambda: "the-token")
    assert identity._visitor_id() == VISITOR
    page.run()
    totals = page.dataframe[-1].value
    assert list(totals.columns) == ["visitor", "MiB", "share"]
    assert len(totals) == 2
    page.multiselect(key="storage-whose").set_value([]).run()
    assert "hidden" not in names(page)

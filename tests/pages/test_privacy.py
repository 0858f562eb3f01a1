"""What one visitor keeps to themselves, no other finds: on no page, at no address, and not by what pages call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.ownership import Visitor
from explorer.runs.records import RunStatus
from explorer.runs.training import execute
from explorer.ui import changes, identity, nothing_found, services
from explorer.ui.frame import PAGES
from explorer.ui.live_feed import ROUTES, live_address, prediction_address
from explorer.ui.plan_editor import start_run
from tests.pages.conftest import VISITOR
from tests.pages.look import run_of, texts
from tests.runs.tiny import tiny_dataset, tiny_plan
from tests.ui.asgi import get

OpenPage = Callable[[str], AppTest]
ANA, BEN = Visitor("a" * 24, "Ana"), Visitor(VISITOR, "Ben")
SECRETS = ("secretquay", "secretscene", "secretrun", "secretfile")
APP = Starlette(routes=ROUTES)


@dataclass(frozen=True)
class Kept:
    """What Ana keeps to herself."""

    dataset: str
    run: str
    upload: str


def secret_dataset() -> Dataset:
    tiny = tiny_dataset()
    scenes = [replace(scene, name=f"secretscene-{scene.name}") for scene in tiny.scenes]
    return make_dataset("secretquay", scenes, tiny.classes)


@pytest.fixture
def kept(open_page: OpenPage) -> Iterator[Kept]:
    store = services.store()
    for who in (ANA, BEN):
        store.visitors.visitor(who.id)
        store.visitors.rename(who.id, who.name)
    dataset_id = store.save_dataset(secret_dataset(), ANA.id)
    known = [each for each in store.runs() if each.owner == ANA.id]
    if not known:
        record = store.create_run(tiny_plan(4, name="secretrun"), dataset_id, owner=ANA.id)
        for _ in execute(store.folder(record.id), secret_dataset(), device="cpu", checkpoint_steps=2):
            pass
        store.ingest(record.id)
        known = [record]
    token = services.uploads().begin(ANA.id)
    services.uploads().add(token, "images", [("secretfile.png", b"no image")])
    for kind, item in (("run", known[0].id), ("dataset", dataset_id)):
        store.belongings.share(kind, item, False, ANA)  # type: ignore[arg-type]
        store.belongings.restore(kind, item, ANA)  # type: ignore[arg-type]
    yield Kept(dataset_id, known[0].id, token)
    services.uploads().discard(token)


def seen(page: AppTest) -> str:
    """All that a page sends to the browser, as text."""
    parts = [repr(each) for each in page]
    parts += [str(each.proto) for kind in ("selectbox", "multiselect", "button") for each in page.get(kind)]
    parts += [json.dumps(each.value.to_dict(), default=str) for each in page.dataframe]
    return " ".join(parts) + texts(page)


ADDRESSES = [
    {},
    {"dataset": "{dataset}"},
    {"source": "Saved", "saved": "{dataset}"},
    {"source": "Upload", "upload": "{upload}"},
    {"view": "On imagery"},
    {"run": "{dataset}"},
    {"run": "{upload}"},
    {"builtin": "{dataset}"},
]


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: "&".join(address) or "plain")
@pytest.mark.parametrize("path", [path for path, _ in PAGES.values()])
def test_no_page_shows_what_another_visitor_keeps_to_themselves(
    open_page: OpenPage, measured: None, kept: Kept, path: str, address: dict[str, str]
) -> None:
    page = open_page(path)
    for name, value in address.items():
        page.query_params[name] = value.format(**vars(kept))
    page.run()
    assert not page.exception
    assert not [secret for secret in SECRETS if secret in seen(page)]
    assert kept.run not in seen(page)


def test_what_is_shared_is_found_and_cannot_be_changed(open_page: OpenPage, measured: None, kept: Kept) -> None:
    for kind, item in (("run", kept.run), ("dataset", kept.dataset)):
        services.store().belongings.share(kind, item, True, ANA)  # type: ignore[arg-type]
    train = open_page("pages/train.py")
    train.query_params["dataset"] = kept.dataset
    train.run()
    assert not train.exception
    assert "secretquay · shared by Ana" in next(each for each in train.selectbox if each.label == "Dataset").options
    imagery = open_page("pages/imagery.py")
    imagery.query_params["source"] = "Saved"
    imagery.query_params["saved"] = kept.dataset
    assert "secretquay" in seen(imagery.run())
    assert "Who sees this dataset" not in seen(imagery), "only its owner decides"


def test_a_link_shows_a_run_and_lets_nobody_change_it(open_page: OpenPage, measured: None, kept: Kept) -> None:
    train = open_page("pages/train.py")
    train.query_params["run"] = kept.run
    train.run()
    assert not train.exception
    assert "This run is Ana's: you can look at it, not change it" in texts(train)
    assert all(each.disabled for each in train.button if each.label in ("Resume", "Play", "Pause", "Stop", "+1"))
    assert "Who sees this run" not in seen(train)


REFUSED: dict[str, Callable[[Kept], object]] = {
    "train on it": lambda kept: start_run(tiny_plan(), kept.dataset),
    "share": lambda kept: services.store().belongings.share("dataset", kept.dataset, True, identity.visitor()),
    "rename": lambda kept: services.store().belongings.rename("run", kept.run, "x", identity.visitor()),
    "delete": lambda kept: services.store().belongings.delete("run", kept.run, identity.visitor()),
    "steer": lambda kept: identity.require_change(services.store().run(kept.run)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_pages_call_refuses_it_too(kept: Kept, what: str) -> None:
    with pytest.raises(InputError, match=r"somebody else's|not shared with you"):
        REFUSED[what](kept)


def test_a_click_that_deletes_what_is_not_ones_own_stops_and_deletes_nothing(kept: Kept) -> None:
    before = services.store().run(kept.run), services.store().dataset_record(kept.dataset)
    changes.delete([("run", kept.run), ("dataset", kept.dataset)])
    changes.discard([kept.upload], [])
    assert (services.store().run(kept.run), services.store().dataset_record(kept.dataset)) == before
    assert services.uploads().exists(kept.upload)


class Recording:
    """An engine that notes which runs it is asked to stop."""

    def __init__(self) -> None:
        self.stopped: list[str] = []

    def stop(self, run_id: str) -> None:
        self.stopped.append(run_id)


@pytest.mark.parametrize(("owner", "stops"), [(ANA, False), (BEN, True)])
def test_a_click_that_begins_another_run_stops_only_ones_own(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, owner: Visitor, stops: bool
) -> None:
    engine = Recording()
    monkeypatch.setattr(services, "engine", lambda: engine)
    monkeypatch.setattr(nothing_found, "start_run", lambda *_, **__: kept.run)
    monkeypatch.setattr(nothing_found, "open_run", lambda _: None)
    record = replace(services.store().run(kept.run), status=RunStatus.RUNNING, owner=owner.id)
    nothing_found._start(record, record.plan)
    assert engine.stopped == [kept.run] * stops


def test_pictures_of_a_dataset_that_is_no_longer_shared_are_sent_to_nobody_else(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = services.store()
    step = services.follower(kept.run).history().previews[-1].step
    of_ben, of_another_run = prediction_address(kept.run), prediction_address("0123456789ab").rpartition("/")[2]
    with monkeypatch.context() as patch:
        patch.setattr(identity, "_visitor_id", lambda: "c" * 24)
        of_guest = prediction_address(kept.run)
    worthless = [f"{live_address(kept.run)}/prediction/{each}" for each in (f"{BEN.id}-{kept.run}", of_another_run)]
    assert get(APP, of_guest, step=step).status == 200, "whoever has the link may look"
    with store._database.transaction() as connection:  # as if Ben had trained it while the dataset was shared
        connection.execute("UPDATE runs SET owner = ? WHERE id = ?", (BEN.id, kept.run))
    try:
        assert get(APP, of_ben, step=step).status == 200, "his own run, also where no cookie says who he is"
        assert [get(APP, each, step=step).status for each in (of_guest, *worthless)] == [404, 404, 404]
        store.belongings.share("dataset", kept.dataset, True, ANA)
        assert get(APP, of_guest, step=step).status == 200
    finally:
        with store._database.transaction() as connection:
            connection.execute("UPDATE runs SET owner = ? WHERE id = ?", (ANA.id, kept.run))


def test_a_deleted_run_is_said_to_be_deleted_and_sends_nothing(
    open_page: OpenPage, measured: None, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.store().belongings.delete("run", kept.run, ANA)
    assert get(APP, live_address(kept.run)).status == 404
    assert get(APP, prediction_address(kept.run), step=4).status == 404
    page = open_page("pages/train.py")
    page.query_params["run"] = kept.run
    page.run()
    assert f"The run {kept.run} was deleted" in texts(page)
    assert "secretrun" not in seen(page)
    assert "Restore" not in [each.label for each in page.button]
    monkeypatch.setattr(identity, "_visitor_id", lambda: ANA.id)
    page = open_page("pages/train.py")
    page.query_params["run"] = kept.run
    page.run()
    assert "The run secretrun was deleted" in texts(page)
    next(each for each in page.button if each.label == "Restore").click().run()
    assert not page.exception
    assert services.store().run(kept.run).deleted is None
    assert "was deleted" not in texts(page)
    assert run_of(page) == kept.run

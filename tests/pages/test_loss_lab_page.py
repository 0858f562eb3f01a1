"""The Loss lab page: every view for every loss, settings kept in the address, empty states, numbers of a pixel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset, Scene
from explorer.jobs.job import Answer, Job, perform
from explorer.losses.registry import LOSSES
from explorer.runs.store import Store
from explorer.runs.training import execute
from explorer.ui import finished_runs, services
from tests.runs.tiny import tiny_dataset, tiny_plan

ROOT = Path(__file__).resolve().parents[2]
VIEWS = ("Curves", "One object or fifty pixels", "99 % background", "On imagery")


class Engine:
    """Does jobs in this process."""

    def __init__(self) -> None:
        self.late = False

    def ask(self, job: Job[Answer]) -> Answer:
        """The answer, or the error of an engine whose workers are busy."""
        if self.late:
            raise InputError(f"no answer in {job.limit:.0f} s", job.describe(), "try again")
        return perform(job)


def three_classes() -> Dataset:
    """As tiny, with every second square of another class."""
    two = tiny_dataset()
    scenes = []
    for scene in two.scenes:
        label = scene.label.copy()
        label[:, 32:] *= 2
        scenes.append(Scene(scene.name, scene.image, label, scene.bands))
    return make_dataset("three", scenes, ("background", "square", "other"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"))
    for dataset, weights in ((three_classes(), (1.0, 5.0, 5.0)), (tiny_dataset(), (1.0, 5.0))):
        plan = tiny_plan(4)
        loss = plan.phases[0].loss.model_copy(update={"class_weights": weights})
        plan = plan.model_copy(update={"phases": (plan.phases[0].model_copy(update={"loss": loss}),)})
        record = store.create_run(plan, store.save_dataset(dataset))
        for _ in execute(store.folder(record.id), dataset, device="cpu", checkpoint_steps=2):
            pass
    return store


@pytest.fixture
def engine(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    engine = Engine()
    monkeypatch.setattr(services, "start", lambda: None)
    monkeypatch.setattr(services, "store", lambda: store)
    monkeypatch.setattr(services, "engine", lambda: engine)
    monkeypatch.setattr(finished_runs, "_added", lambda _builtin: None)
    st.cache_data.clear()
    st.cache_resource.clear()
    yield engine
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def page(engine: Engine) -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/loss_lab.py")


def shown(page: AppTest, view: str, **address: str) -> AppTest:
    for key, value in (address | {"view": view}).items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def messages(page: AppTest) -> str:
    return " ".join(element.value for element in (*page.error, *page.info, *page.caption, *page.markdown))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_works_with_every_loss(page: AppTest, view: str) -> None:
    shown(page, view)
    page.button_group(key="lab-pills").set_value(list(LOSSES)).run()
    assert not page.exception
    assert not page.error
    assert "Combined" in json.dumps(page.selectbox(key="lab-card").options)


def test_settings_of_every_loss_can_be_opened(page: AppTest) -> None:
    shown(page, VIEWS[0])
    page.button_group(key="lab-pills").set_value(list(LOSSES)).run()
    for kind in page.selectbox(key="lab-card").options:
        page.selectbox(key="lab-card").select(kind).run()
        assert not page.exception, kind


def test_the_articles_argument_is_on_the_page(page: AppTest) -> None:
    shown(page, "One object or fifty pixels")
    assert "objects found **49 of 50**" in messages(page)
    assert "objects found **50 of 50**" in messages(page)
    page.slider(key="of_one").set_value(20).run()
    assert "objects found **49 of 50**" not in messages(page)


def test_no_loss_chosen_says_what_to_do(page: AppTest) -> None:
    shown(page, "Curves")
    page.button_group(key="lab-pills").set_value([]).run()
    assert not page.exception
    assert "Choose at least one loss" in messages(page)


def test_settings_stand_in_the_address_and_survive_a_change_of_view(page: AppTest) -> None:
    shown(page, "Curves")
    assert "losses" not in page.query_params
    page.selectbox(key="lab-card").set_value("focal").run()
    page.slider(key="lab-field-focal-gamma").set_value(4.0).run()
    specs = {spec["kind"]: spec for spec in json.loads("".join(page.query_params["losses"]))}
    assert specs["focal"]["gamma"] == 4
    page.button_group(key="view").set_value(["99 % background"]).run()
    assert not page.exception
    assert page.slider(key="lab-field-focal-gamma").value == 4


def test_losses_of_the_address(page: AppTest) -> None:
    shown(page, "Curves", losses='[{"kind":"tversky","alpha":0.1},{"kind":"dice"}]')
    assert page.button_group(key="lab-pills").value == ["dice", "tversky"]
    assert page.slider(key="lab-field-tversky-alpha").value == 0.1


@pytest.mark.parametrize("text", ["nonsense", '[{"kind":"magic"}]', '[{"kind":"dice","gamma":2}]', "[]"])
def test_unreadable_losses_are_ignored(page: AppTest, text: str) -> None:
    shown(page, "Curves", losses=text)
    assert "cross_entropy" in page.button_group(key="lab-pills").value
    assert ("cannot be read" in messages(page)) == (text != "[]")


@pytest.mark.parametrize("view", VIEWS[1:3])
def test_formulas_open_with_the_numbers_of_a_missed_pixel(page: AppTest, view: str) -> None:
    shown(page, view, numbers="true")
    assert any(r"-\log(0.01)" in each.value and "= 4.61" in each.value for each in page.latex)


def test_formulas_open_with_the_numbers_of_a_pixel_of_a_crop(page: AppTest) -> None:
    shown(page, "On imagery", pixel="3,60")
    assert "Pixel in row 3, column 60" in messages(page)
    assert len(page.latex) == 6, "five losses, and the formula of one"
    page.button[-1].click().run()
    assert "Pixel in row" not in messages(page)


@pytest.mark.parametrize("pixel", ["200,3", "a,b", "1", "-1,2", "1,2,3"])
def test_a_pixel_outside_the_crop_is_noted(page: AppTest, pixel: str) -> None:
    shown(page, "On imagery", pixel=pixel)
    assert "There is no pixel" in messages(page)


def test_each_class_has_its_own_maps(page: AppTest, store: Store) -> None:
    (run,) = (record for record in store.runs() if record.dataset_name == "three")
    shown(page, "On imagery", run=run.id)
    page.selectbox(key="class").set_value(2).run()
    assert not page.exception
    assert "the logit of other" in messages(page)


@pytest.mark.parametrize("name", ["run", "crop"])
def test_unknown_values_in_the_address_are_noted(page: AppTest, name: str) -> None:
    shown(page, "On imagery", **{name: "99"})
    assert f"There is no {name} 99 here" in messages(page)
    page.run()
    assert "There is no" not in messages(page)


def test_a_crop_of_the_address_is_kept_when_the_page_runs_again(page: AppTest) -> None:
    shown(page, "On imagery", crop="1")
    (crop,) = (box for box in page.selectbox if box.label == "Validation crop")
    assert crop.value == 0
    page.run()
    assert not page.exception
    assert "".join(page.query_params["crop"]) == "1"


def test_an_earlier_checkpoint_can_be_chosen(page: AppTest, store: Store) -> None:
    shown(page, "On imagery", checkpoint="2")
    slider = page.select_slider(key="checkpoint")
    assert slider.value == 2
    slider.set_value(0).run()
    assert not page.exception


def test_without_a_run_the_page_leads_to_train(page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Store(tmp_path)
    monkeypatch.setattr(services, "store", lambda: empty)
    shown(page, "On imagery")
    assert "No run has a checkpoint yet" in messages(page)


def test_a_busy_worker_is_an_error_message(page: AppTest, engine: Engine) -> None:
    engine.late = True
    shown(page, "Curves")
    assert "no answer in" in page.error[0].value
    engine.late = False
    page.run()
    assert not page.error


def test_the_curves_are_right_where_a_click_reads_them(engine: Engine) -> None:
    from explorer.losses.spec import LossSpec
    from explorer.ui.loss_lab_answers import curves

    (curve,) = curves((LossSpec(kind="cross_entropy"),), 0.1)
    np.testing.assert_allclose(curve.loss, -np.log(curve.probability))

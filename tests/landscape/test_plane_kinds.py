"""Plane kinds: what a spec accepts, that stored requests keep their text, and that a new kind needs two places."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace
from hashlib import blake2b
from inspect import signature
from pathlib import Path
from pkgutil import resolve_name

import pytest
import torch
from pydantic import BaseModel, ValidationError
from streamlit.testing.v1 import AppTest

from explorer.cli import landscape, parsing
from explorer.errors import InputError
from explorer.landscape.directions import PlaneContext
from explorer.landscape.plane import Plane
from explorer.landscape.plane_kinds import PLANE_KINDS, START_SEED, PlaneKindInfo, PlaneSpec, plane_kind
from explorer.landscape.plane_settings import RESERVED, Choice, Number
from explorer.landscape.slice_meta import PlaneReport, SliceMeta, SliceRequest
from tests.landscape.models import Quadratic, plane_of

A, B, C = (f"step_{step:08d}.safetensors" for step in (10, 20, 30))

STORED = [
    ("0c8524c89d812b15", {}),
    (
        "11a04cc63c5eadff",
        {"kind": "random", "seed": 7, "normalisation": "layer", "layers": ["encoder", "head"], "line": True},
    ),
    ("ed2e35635a3384f8", {"kind": "pca"}),
    ("7b97ed735fc18627", {"kind": "pca", "layers": ["decoder"], "line": True}),
    ("3aee9b2a80a5678d", {"kind": "hessian", "losses": ["dice", "jaccard"], "ends": "BE", "seed": 3}),
    ("d83dd7e1068d1d2e", {"kind": "hessian", "losses": ["focal", "focal"]}),
    ("e57481b1010e5d00", {"kind": "gradients", "losses": ["cross_entropy", "object_jaccard"], "layers": ["head"]}),
    ("5636a6f5d6a70c0a", {"kind": "gradients"}),
    ("fc08459ad06e5010", {"kind": "checkpoints", "checkpoints": [A, B, C]}),
    ("47d78541ab0915eb", {"kind": "checkpoints", "checkpoints": [A, f"other-1/{C}"], "line": True}),
]
"""Hashes of requests' JSON, computed before plane kinds had a registry: names of slices' files come from this JSON."""


@pytest.mark.parametrize(("digest", "plane"), STORED, ids=[f"{digest[:4]}" for digest, _ in STORED])
def test_requests_keep_the_text_that_names_their_files(digest: str, plane: dict[str, object]) -> None:
    request = SliceRequest.model_validate({"plane": plane, "checkpoint": C})
    text = request.model_dump_json()
    assert blake2b(text.encode(), digest_size=8).hexdigest() == digest
    assert SliceRequest.model_validate_json(text) == request


def test_a_stored_spec_may_hold_unused_settings_of_other_kinds() -> None:
    """Earlier versions accepted them; what is asked for today must fit."""
    text = SliceRequest(plane=PlaneSpec(kind="pca")).model_dump_json().replace('"seed":0', '"seed":5')
    assert SliceRequest.model_validate_json(text).model_dump_json() == text
    with pytest.raises(ValidationError, match="seed is not a setting of a pca plane, which takes layers"):
        PlaneSpec(kind="pca", seed=5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": -1}, "seed must lie between 0 and"),
        ({"seed": 1.5}, "seed must be an integer"),
        ({"normalisation": "none"}, "normalisation must be filter or layer"),
        ({"layers": "head"}, "layers must be a list of names"),
        ({"kind": "gradients", "losses": ["dice"]}, "losses needs 2"),
        ({"kind": "gradients", "losses": ["dice", "combined"]}, "no loss 'combined'"),
        ({"kind": "checkpoints", "checkpoints": [A, B]}, "checkpoints needs 3 of them, got 2"),
        ({"kind": "checkpoints", "checkpoints": [A, B, C], "line": True}, "checkpoints needs 2 of them, got 3"),
        ({"kind": "checkpoints", "checkpoints": [A, B, C], "layers": ["head"]}, "layers is not a setting"),
        ({"speed": 3}, "speed is not a setting of a random plane, which takes seed, normalisation, layers"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PlaneSpec.model_validate(given)


def test_names_of_settings_do_not_hide_what_a_spec_or_the_command_line_has() -> None:
    parser = parsing.Parser()
    landscape.add_parser(parser.add_subparsers())
    (command,) = parser._subparsers._group_actions[0].choices.values()
    settings = {setting.name for info in PLANE_KINDS.values() for setting in info.settings}
    options = {action.dest for action in command._actions} | set(command._defaults)
    own = {name for name in dir(PlaneSpec) if not name.startswith(("_", "model_"))} - set(dir(BaseModel))
    assert (options | own | set(PlaneSpec.model_fields)) - settings == RESERVED
    with pytest.raises(ValueError, match="cannot be named 'extent'"):
        replace(START_SEED, name="extent")


def test_an_unknown_kind_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match=f"'spiral'.*choose among {', '.join(PLANE_KINDS)}"):
        plane_kind("spiral")
    with pytest.raises(ValidationError, match=r"'spiral'.*choose among random"):
        PlaneSpec(kind="spiral")


@pytest.mark.parametrize("info", PLANE_KINDS.values(), ids=PLANE_KINDS)
def test_a_builder_takes_exactly_the_settings_of_its_entry(info: PlaneKindInfo) -> None:
    context, *settings = signature(resolve_name(info.builder)).parameters
    assert context == "context"
    assert set(settings) == {setting.name for setting in info.settings}


def build_axes(context: PlaneContext, stretch: float, sign: str) -> Plane:
    """The plane of the first two weights."""
    first, second = torch.zeros(2, len(context.centre), dtype=context.centre.dtype)
    first[0], second[1] = stretch, 1.0 if sign == "plus" else -1.0
    return Plane(context.centre, first, second, ("first weight", "second weight"))


AXES = PlaneKindInfo(
    "axes",
    "Two single weights",
    "Nothing of interest.",
    "tests.landscape.test_plane_kinds:build_axes",
    (
        Number(name="stretch", label="Stretch", help="length of the first direction",
               default=1.0, low=0.5, high=9.0, step=0.5),
        Choice(name="sign", label="Sign", help="of the second direction", metavar="SIGN", default="plus",
               choices={"plus": "positive", "minus": "negative"}),
    ),
    can_be_line=False,
)  # fmt: skip


@pytest.fixture
def axes(monkeypatch: pytest.MonkeyPatch) -> PlaneKindInfo:
    """A kind of plane that needs its builder and its entry, and nothing else."""
    monkeypatch.setitem(PLANE_KINDS, "axes", AXES)
    return AXES


def make_meta(request: SliceRequest) -> SliceMeta:
    return SliceMeta(
        run="r",
        checkpoint=C,
        request=request,
        report=PlaneReport(labels=("a", "b"), cosine=0.0, norms=(1.0, 1.0)),
        fields=(),
        classes=(),
        class_weights=(),
        data="d",
        crops="c",
        versions={},
    )


def command_line(words: list[str]) -> SliceRequest:
    parser = parsing.Parser()
    landscape.add_parser(parser.add_subparsers())
    return landscape.request_of(parser.parse_args(["landscape", "RUN", "--out", "x.npz", *words]))


@pytest.mark.usefixtures("axes")
def test_a_new_kind_is_specified_stored_and_built() -> None:
    spec = PlaneSpec.model_validate({"kind": "axes", "stretch": 3})
    assert spec.settings == {"stretch": 3.0, "sign": "plus"}
    assert PlaneSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec != PlaneSpec(kind="axes")
    for given in ({"stretch": 20}, {"sign": "both"}, {"seed": 1}, {"line": True}):
        with pytest.raises(ValidationError):
            PlaneSpec.model_validate({"kind": "axes", **given})
    plane = plane_of(Quadratic(), "axes", stretch=3.0, sign="minus")
    assert plane.norms == (3.0, 1.0)
    assert plane.second[1] == -1


@pytest.mark.usefixtures("axes")
def test_a_new_kind_has_its_options_and_its_command_repeats_it(capsys: pytest.CaptureFixture[str]) -> None:
    request = command_line(["--plane", "axes", "--stretch", "2.5", "--sign", "minus"])
    assert request.plane.settings == {"stretch": 2.5, "sign": "minus"}
    words = shlex.split(make_meta(request).command("RUN", "x.npz"))
    assert words[-6:-2] == ["--stretch", "2.5", "--sign", "minus"]
    assert command_line(words[5:-2]).plane == request.plane
    with pytest.raises(InputError, match="stretch must be a number"):
        command_line(["--plane", "axes", "--stretch", "long"])
    with pytest.raises(InputError, match="stretch is not a setting of a random plane"):
        command_line(["--plane", "random", "--stretch", "2"])
    with pytest.raises(SystemExit):
        command_line(["--help"])
    assert "axes: length of the first direction" in capsys.readouterr().out


def page() -> None:
    import streamlit as st

    from explorer.ui.slice_request import pick_slice

    first = [f"step_{step:08d}.safetensors" for step in (10, 20, 30)]
    names = st.session_state.get("names", first)
    st.session_state["request"] = pick_slice("run", names).model_dump_json()


def requested(test: AppTest) -> SliceRequest:
    assert not test.exception, test.exception
    return SliceRequest.model_validate_json(test.session_state["request"])


@pytest.mark.usefixtures("axes")
def test_a_new_kind_has_its_widgets_on_the_page() -> None:
    test = AppTest.from_function(page).run()
    test.selectbox(key="plane").set_value("axes").run()
    assert requested(test).plane == PlaneSpec(kind="axes")
    assert "Nothing of interest." in [caption.value for caption in test.caption]
    assert not [toggle for toggle in test.toggle if toggle.key == "line"]
    next(each for each in test.slider if each.label == "Stretch").set_value(4.5)
    next(each for each in test.selectbox if each.label == "Sign").set_value("minus").run()
    assert requested(test).plane.settings == {"stretch": 4.5, "sign": "minus"}


@pytest.mark.parametrize(("digest", "plane"), STORED, ids=[digest[:4] for digest, _ in STORED])
def test_the_command_line_repeats_every_stored_request(digest: str, plane: dict[str, object]) -> None:
    request = SliceRequest.model_validate({"plane": plane, "checkpoint": C})
    words = shlex.split(make_meta(request).command("RUN", "x.npz"))
    centre = C if plane_kind(request.plane.kind).centred else None
    assert command_line(words[5:-2]) == request.model_copy(update={"checkpoint": centre})


def test_a_plane_without_a_centre_asks_for_none_and_takes_none() -> None:
    test = AppTest.from_function(page).run()
    assert "Centre: checkpoint at step" in [slider.label for slider in test.select_slider]
    test.selectbox(key="plane").set_value("checkpoints").run()
    assert "Centre: checkpoint at step" not in [slider.label for slider in test.select_slider]
    with pytest.raises(InputError, match="has no centre"):
        command_line(["--plane", "checkpoints", "--checkpoints", f"{A},{B},{C}", "--checkpoint", A])


@pytest.mark.parametrize("kind", PLANE_KINDS)
def test_the_page_offers_every_kind_with_its_defaults(kind: str) -> None:
    test = AppTest.from_function(page).run()
    test.selectbox(key="plane").set_value(kind).run()
    through = {"checkpoints": (A, C, B)} if kind == "checkpoints" else {}
    wanted = PlaneSpec.model_validate({"kind": kind, **through})
    assert requested(test) == SliceRequest(plane=wanted, checkpoint=C)


@pytest.mark.parametrize("kind", ["random", "checkpoints"])
def test_the_slice_on_the_page_stays_when_a_checkpoint_arrives(kind: str) -> None:
    test = AppTest.from_function(page).run()
    test.selectbox(key="plane").set_value(kind).run()
    before = requested(test)
    test.session_state["names"] = [A, B, C, "step_00000040.safetensors"]
    test.run()
    assert requested(test) == before
    test.session_state["names"] = [A, B]  # a run that goes back drops checkpoints
    test.run()
    assert requested(test).checkpoint == B


def test_the_page_changes_settings() -> None:
    test = AppTest.from_function(page).run()
    test.number_input(key="plane-seed").set_value(4)
    test.selectbox(key="plane-normalisation").set_value("layer")
    test.toggle(key="line").set_value(True)
    test.multiselect(key="plane-layers").set_value(["head"]).run()
    assert requested(test).plane == PlaneSpec(seed=4, normalisation="layer", line=True, layers=("head",))
    test.selectbox(key="plane").set_value("gradients").run()
    test.selectbox(key="plane-losses-1").set_value("focal").run()
    losses = ("weighted_cross_entropy", "focal")
    assert requested(test).plane == PlaneSpec(kind="gradients", losses=losses, line=True, layers=("head",))
    test.selectbox(key="plane").set_value("checkpoints").run()
    assert requested(test).plane == PlaneSpec(kind="checkpoints", checkpoints=(A, C), line=True)


def test_kinds_and_their_widgets_need_no_torch() -> None:
    script = "import sys, explorer.landscape.plane_kinds, explorer.ui.slice_request; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False).returncode == 0

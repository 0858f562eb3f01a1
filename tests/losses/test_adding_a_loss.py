"""A new loss takes what CONTRIBUTING says and nothing else: its steps are followed in a copy of the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FUNCTION = '''

def smooth_dice(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − (2I + ε)/(Σp + Σy + ε), mean over classes."""
    epsilon = spec.number("epsilon")
    hit, area = prediction.intersection.sum(0), prediction.area.sum(0)
    both = hit + prediction.false_positives.sum(0) + area
    return (1 - (2 * hit + epsilon) / (both + epsilon)).mean()
'''
ENTRY = r"""
    LossInfo(
        kind="smooth_dice",
        name="Smooth Dice",
        function="regions:smooth_dice",
        formula=r"1-\frac1K\sum_k\frac{2I_k+\varepsilon}{\sum p_k+\sum y_k+\varepsilon}",
        sentence="Dice with a constant in numerator and denominator.",
        source="common practice",
        color="#A05A2C",
        bias="precision",
        fails_when="The constant exceeds the area of the objects: misses cost almost nothing.",
        settings=(settings.EPSILON,),
    ),
"""
SETTING = r"""
EPSILON = Setting(
    name="epsilon",
    label="Smoothing ε",
    symbol=r"\varepsilon",
    default=1.0,
    low=0.0,
    high=5.0,
    step=0.5,
    help="Added to numerator and denominator.",
    accepts=(0.0, 10.0),
)
"""
CASE = """
    Case({"kind": "smooth_dice"}, 1 - (2.8 / 3.7 + 3.4 / 4.3) / 2),
    Case({"kind": "smooth_dice", "epsilon": 0.5}),
"""
EDITS = {
    "explorer/losses/regions.py": (re.compile(r"\Z"), FUNCTION),
    "explorer/losses/registry.py": (re.compile(r"(?<=^_ENTRIES = \()$", re.M), ENTRY.rstrip()),
    "explorer/losses/settings.py": (re.compile(r"\Z"), SETTING),
    "tests/losses/cases.py": (re.compile(r"(?<=^CASES = \()$", re.M), CASE.rstrip()),
}
"""By file: where something is inserted, and what."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the steps have been followed."""
    copy = tmp_path_factory.mktemp("tree")
    for part in ("explorer", "tests", "pyproject.toml", ".streamlit"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / part)
    for file, (place, text) in EDITS.items():
        path = copy / file
        edited, count = place.subn(lambda _, text=text: text, path.read_text(encoding="utf-8"))
        assert count == 1, file
        path.write_text(edited, encoding="utf-8")
    return copy


def run_pytest(tree: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout


def test_contributing_names_these_files() -> None:
    step = re.search(r"^- \*\*A loss\*\*.*?(?=^- \*\*)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.M | re.S)
    assert step is not None
    named = set(re.findall(r"`([\w/]+\.py)`", step[0]))
    functions = {f"losses/{module}.py" for module in ("pixelwise", "regions", "compounds", "contours", "objects")}
    assert named - functions == {file.removeprefix("explorer/") for file in EDITS} - functions
    assert functions <= named


def test_the_new_loss_works_everywhere(tree: Path) -> None:
    run_pytest(tree, "tests/losses/added_loss.py")


def test_the_new_loss_is_tried_like_the_others(tree: Path) -> None:
    files = [f"tests/losses/test_{name}.py" for name in ("closed_forms", "edges", "invariances", "losses_on_device")]
    more = ["tests/losses/test_spec.py", "tests/losses/test_worked_example.py", "tests/landscape/test_segment_sums.py"]
    said = run_pytest(tree, *files, *more, "-k", "smooth_dice or every or table or test_spec", "-rA")
    tried = {re.sub(r"\[.*", "", line.split("::")[1]) for line in said.splitlines() if "smooth_dice" in line}
    assert {
        "test_by_hand",
        "test_gradients_are_those_of_finite_differences",
        "test_saturated_logits",
        "test_ignored_pixels_are_as_if_cut_away",
        "test_a_loss_stays_on_its_device",
        "test_the_value_is_the_losses",
        "test_every_case_of_the_table_equals_its_own_function",
        "test_every_colour_can_be_seen_on_both_themes",
    } <= tried

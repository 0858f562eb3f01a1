"""``evaluate``: scores of a run's segmenter on images with masks, as JSON on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from explorer.cli import imagery_options, parsing
from explorer.errors import InputError
from explorer.imagery.checks.finding import listed
from explorer.imagery.notes import Note
from explorer.imagery.readings import Reading
from explorer.imagery.scene import IGNORE, Scene
from explorer.imagery.stretch import outside_stretch
from explorer.runs.class_thresholds import AppliedThresholds, parse_threshold, read_own_thresholds, thresholds_of
from explorer.runs.evaluation import Evaluation, Scoring, evaluate_scenes
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.scene_use import USED, SceneUse, uses_of_scenes
from explorer.runs.segmenters import find_checkpoint, load_predictor
from explorer.runs.summary import summarise


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("evaluate", help="scores of a run on images with masks", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    imagery_options.add_options(parser)
    add_prediction_options(parser)
    parser.set_defaults(run=run)


def add_prediction_options(parser: argparse.ArgumentParser) -> None:
    """What ``evaluate`` and ``predict`` share: checkpoint, threshold, flips, how objects are cut out, and device."""
    parser.add_argument("--checkpoint", metavar="FILE", help="file name in the run's checkpoints; default: the last")
    parser.add_argument(
        "--threshold",
        type=parse_threshold,
        default="own",
        metavar="own|half|T",
        help="own (default): as chosen on scenes that neither trained nor score; half: ½, or the most probable of "
        "three or more classes; T: this probability for every class",
    )
    parser.add_argument(
        "--flips",
        action=argparse.BooleanOptionalAction,
        help="mean over flipped images, which takes four times as long, or not; default: as the run's plan says",
    )
    parser.add_argument(
        "--split",
        action=argparse.BooleanOptionalAction,
        help="separate predicted objects that touch, by a watershed, or not; default: at own thresholds as was chosen "
        "with them, at others not",
    )
    parser.add_argument(
        "--smallest",
        type=parsing.positive,
        metavar="PIXELS",
        help="leave smaller predicted objects out; default: at own thresholds as was chosen with them, at others none",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")


def applied_thresholds(
    arguments: argparse.Namespace, folder: RunFolder, classes: int, checkpoint: str
) -> AppliedThresholds:
    """What these options ask for, see ``thresholds_of``."""
    return thresholds_of(folder, arguments.threshold, classes, checkpoint, arguments.split, arguments.smallest)


def run(arguments: argparse.Namespace) -> int:
    """Scores all scenes, whatever their split, with the choices that the run was trained with or those stated."""
    folder = RunFolder(arguments.run_folder)
    reference = folder.dataset()
    checkpoint, _ = find_checkpoint(folder, arguments.checkpoint)
    predictor = load_predictor(folder, checkpoint, arguments.device, arguments.flips)
    applied = applied_thresholds(arguments, folder, len(reference.classes), checkpoint)
    minimum_area, rule = arguments.min_area or reference.minimum_area, arguments.match or reference.match_rule
    # those of the run, unless they are stated: none are proposed for these scenes
    known = {"minimum_area": minimum_area, "match_rule": rule}
    chosen = reference.choices.for_other_files().model_copy(update=known)
    reading = imagery_options.read_imagery(arguments, chosen, reference.classes)
    imagery_options.print_notes(reading, training=False)
    scenes = _scenes(reading, reference, str(arguments.images))
    scoring = Scoring(minimum_area, rule, applied.cuts)
    own = read_own_thresholds(folder)
    uses = uses_of_scenes(reference, own.scenes if own else (), scenes)
    used = [name for name, use in (uses or {}).items() if use in USED]
    evaluation = evaluate_scenes(predictor, scenes, len(reference.classes), scoring, applied.values, used)
    _print_warnings(evaluation, scoring, reference)
    _print_uses(uses)
    not_used = {report.row.name: report.reason for report in reading.reports if report.reason}
    summary = summarise(folder, folder.events(), evaluation, scoring, applied, uses, predictor.flips, not_used)
    print(json.dumps(summary, indent=1))
    return 0


def _scenes(reading: Reading, reference: DatasetReference, where: str) -> list[Scene]:
    """The scenes that can be scored; what is odd about one is printed.

    Raises:
        InputError: there is none, or they have other bands than the run's.
    """
    scenes = [report.scene for report in reading.reports if report.scene is not None]
    if not scenes:
        raise reading.problem or InputError("no scenes", where, "give at least one image and its mask")
    if len(scenes[0].bands) != len(reference.bands):
        raise InputError(
            f"{len(scenes[0].bands)} band(s), the run was trained on {len(reference.bands)}",
            where,
            "use images with the same bands as the run's",
        )
    for scene in scenes:
        problem = outside_stretch(scene.image, scene.label != IGNORE, reference.stretch)
        if problem is not None:
            note = Note("values_outside_stretch", f"{scene.name}: {problem}")
            print(f"warning: {note.text} [{note.code}]", file=sys.stderr)
    return scenes


def _print_warnings(evaluation: Evaluation, scoring: Scoring, reference: DatasetReference) -> None:
    """What a reader of the scores must know: classes of which nothing was found, and rules that a blob wins."""
    for class_id, of_class in evaluation.scores.classes.items():
        name = reference.classes[class_id]
        if class_id > 0 and of_class.pixel.recall == 0:
            print(f"warning: no pixel of {name} was found", file=sys.stderr)
        if class_id > 0 and not scoring.match_rule.may_choose:
            precision = "n/a" if of_class.pixel.precision is None else f"{of_class.pixel.precision:.3f}"
            print(
                f"{name}: precision of pixels {precision}. Under the rule {scoring.match_rule.words}, one blob over "
                "everything finds all objects.",
                file=sys.stderr,
            )


def _print_uses(uses: Mapping[str, SceneUse] | None) -> None:
    """Which of the scenes the run has used already, so that scores on them are no result."""
    if uses is None:
        print("note: this run does not remember its scenes: scores on those that trained are too good", file=sys.stderr)
        return
    by_use = {use: [name for name, each in uses.items() if each == use] for use in ("training", "threshold")}
    did = {"training": "trained", "threshold": "chose the threshold"}
    found = [f"{len(names)} {did[use]} ({listed(names, 3)})" for use, names in by_use.items() if names]
    if found:
        left = len(uses) - sum(map(len, by_use.values()))
        instead = f"validation_unseen has those of the other {left}" if left else "give others"
        print(f"warning: of {len(uses)} scenes, {' and '.join(found)}: their scores are too good; {instead}",
              file=sys.stderr)  # fmt: skip

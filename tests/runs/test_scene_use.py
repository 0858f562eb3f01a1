"""What a run has used a scene for."""

from __future__ import annotations

from dataclasses import replace

from explorer.imagery.splitting import hold_out
from explorer.runs.folder import DatasetReference
from explorer.runs.scene_use import uses_of_scenes
from tests.runs.tiny import tiny_dataset

DATASET = tiny_dataset()
REFERENCE = DatasetReference.to(DATASET)


def test_use_is_told_by_pixels_and_not_by_names() -> None:
    trained, validated = DATASET.training[0], DATASET.validation[0]
    new = replace(trained, image=255 - trained.image)
    scenes = [replace(trained, name="a"), replace(validated, name="b"), new]
    assert uses_of_scenes(REFERENCE, (), scenes) == {"a": "training", "b": "validation", trained.name: "new"}


def test_a_held_out_scene_chose_the_threshold_and_a_held_out_block_lies_in_a_scene_that_trained() -> None:
    first, second = DATASET.training[:2]
    blocks = [scene.name for scene in hold_out(DATASET.training, 2).validation]
    assert all("threshold block" in name for name in blocks)
    assert uses_of_scenes(REFERENCE, [second.name], [first, second]) == {
        first.name: "training",
        second.name: "threshold",
    }
    assert set((uses_of_scenes(REFERENCE, blocks, DATASET.training) or {}).values()) == {"training"}


def test_a_reference_without_scenes_says_nothing() -> None:
    earlier = REFERENCE.model_copy(update={"training": (), "validation": ()})
    assert uses_of_scenes(earlier, (), DATASET.scenes) is None

"""Notes: what a reader did to imagery or suspects of it, with a stable code and a sentence.

A note belongs to a scene or to a whole dataset, and is shown wherever that is. Its code never changes, so that scripts
can rely on it; ``NOTE_CODES`` says what each code means, and docs/imagery.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explorer.texts import LONGEST_SENTENCE, plain

NOTE_CODES: Mapping[str, str] = MappingProxyType(
    {
        # Alignment
        "mask_reprojected": "The mask lay on another grid; it was warped onto the image's by their georeferences.",
        "mask_resampled": "The mask had another size than its image and no georeference; it was scaled to fit.",
        "mask_turned": "The mask was drawn on the unturned photo; it was turned as the photo's Exif data says.",
        "mask_may_be_turned": "Exif data turns the photo, but mask and photo fit either way; it was not turned.",
        "ground_control_points": "The georeference was computed from the image's ground control points.",
        "rpcs_only": "The image has only RPCs: polygons and georeferenced masks cannot be laid on it.",
        "world_file": "The georeference was read from a file beside the image.",
        "crs_without_grid": "The file names a coordinate reference system but no grid: it has no georeference.",
        "crs_assumed": "One of image and label has no coordinate reference system; that of the other was assumed.",
        # Values of masks
        "no_background": "No pixel is background; one of the values may be meant as it.",
        "nodata_as_background": "All other pixels are objects, so the mask's nodata pixels are taken as background.",
        "nodata_may_be_object": "No pixel is an object; the mask's nodata, which is ignored, may mark the objects.",
        "foreground_covers_most": "Nearly all pixels are objects: object and background may be swapped.",
        "instance_ids": "The values look like a number per object, or are read as such.",
        "smoothed_mask": "The mask has values between those of its classes along edges, from smoothing or resizing.",
        "mixed_values": "The masks mark the same thing with different values; these were reconciled.",
        "value_255_ignored": "255 is ignored, though the other values look like grey levels.",
        "void_colour": "A colour that is known as the border of objects is ignored.",
        "object_masks_joined": "The label was joined from several masks, one per object.",
        # Values of images
        "fill_value": "A value that the file does not declare but that cannot be data is treated as nodata.",
        "brightness_differs": "The brightness of the scenes differs more than threefold.",
        "values_outside_stretch": "The image's values lie outside the range that the run was trained on.",
        "other_bands": "The image's bands show something else than those that the run was trained on.",
        "pixel_size_differs": "Pixels are of another size on the ground than those that the run was trained on.",
        "ignored_predicted": "Pixels that the scene's label ignores were predicted like all others.",
        "stretch_per_scene": "Each scene was stretched by its own percentiles.",
        "mixed_data_types": "The images have different data types.",
        "band_names_differ": "The band names differ between scenes.",
        # Objects
        "below_minimum_area": "Some objects of the label are smaller than the minimum area: they count neither as hit "
        "nor as miss.",
        "match_rule": "Another rule than IoU > 0.5 decides when a predicted object counts as one of the label: the "
        "sentence says why.",
        "touching_objects": "Objects that touch are kept apart, as they were drawn.",
        "small_polygon": "Polygons that cover no pixel centre were drawn as one pixel.",
        # Vector and annotation files
        "feature_left_out": "Features that are no areas, or not valid, were left out.",
        "class_property": "The class of each polygon was taken from this property.",
        "no_objects_here": "The file labels other scenes; on this one it draws nothing.",
        "crowds_as_objects": "Regions marked iscrowd are read as objects, since the file marks its masks so.",
        "annotation_left_out": "Annotations of another kind (boxes, keypoints) were left out.",
        # Files
        "format_unsupported": "The format is recognised but not read; the sentence says what to export instead.",
        "paired_by_part": "Image and label were paired by a part of their names.",
        "paired_by_hand": "Image and label were paired by the visitor.",
        "shared_label": "One vector file is drawn on every image that has no label of its own.",
        "not_used": "A file is not part of the dataset.",
        # The dataset
        "single_scene": "There is only one scene; it is split into blocks.",
        "split_by_folder": "The scenes of the folder for validation validate.",
        "no_foreground": "A side of the split has no object.",
        "earlier_version": "A note of an earlier version of the app, which had no codes.",
        "cannot_train": "The scenes do not form a dataset that can be trained on.",
        "area_of_interest": "Pixels outside the area of interest are ignored.",
    }
)
"""Every code and what it means."""


@dataclass(frozen=True)
class Note:
    """What a reader did or suspects.

    Attributes:
        code: one of ``NOTE_CODES``.
        text: one or two sentences with the figures of this case and, where something can be chosen, the remedy.
    """

    code: str
    text: str

    def __post_init__(self) -> None:
        if self.code not in NOTE_CODES:
            raise ValueError(f"{self.code!r} is not in NOTE_CODES")
        object.__setattr__(self, "text", plain(self.text, LONGEST_SENTENCE))  # names of files and classes stand in it

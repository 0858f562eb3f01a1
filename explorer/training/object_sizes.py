"""What the sizes of objects decide: the working scale and the crops. No torch."""

from __future__ import annotations

import math

from explorer.training import recipe
from explorer.training.fingerprint import ClassPrint, Fingerprint


def across(of: ClassPrint) -> float:
    """Pixels across a typical object that must be seen as a whole: of thin things and areas, no object must."""
    return of.diameters.p50 if of.diameters is not None and of.kind in ("objects", "points") else 0.0


def working_scale(fingerprint: Fingerprint) -> tuple[float, str]:
    """The working scale, and why: small objects stay as they are, larger ones are reduced.

    Of several classes the rarest decides, areas only where there is nothing else; the others must not vanish.
    """
    occurring = [each for each in fingerprint.classes if each.occurs]
    if not occurring:
        return 1.0, "No object occurs in the training scenes, by which to choose another."
    decides = min([each for each in occurring if each.kind != "areas"] or occurring, key=lambda each: each.share)
    wanted = _wanted_scale(decides)
    smallest = max(occurring, key=_least_scale)
    if _least_scale(smallest) > wanted:
        decides, wanted = smallest, _least_scale(smallest)
    if wanted > recipe.SCALES[1]:
        return 1.0, f"{_size_in_words(decides)} are small enough as they are."
    scale = min(recipe.SCALES, key=lambda each: abs(math.log(each / wanted)))
    return scale, (
        f"{_size_in_words(decides)} become about {_measured_size(decides) * scale:.0f} px, "
        "so that more of them and of their surroundings are seen at once; predictions are brought back to the scene's "
        "grid."
    )


def _wanted_scale(of: ClassPrint) -> float:
    """The working scale that suits one class, not above 1."""
    if of.diameters is None or of.kind == "points":
        return 1.0
    if of.kind == "thin":
        return min(1.0, recipe.TARGET_THICKNESS / of.thickness)
    if of.kind == "areas":
        return recipe.AREA_SCALE
    return min(1.0, max(recipe.TARGET_DIAMETER / of.diameters.p50, _least_scale(of)))


def _least_scale(of: ClassPrint) -> float:
    """The working scale below which a class vanishes, not above 1."""
    if of.diameters is None or of.kind == "points":
        return 1.0
    if of.kind == "areas":
        return 0.0
    if of.kind == "thin":
        return min(1.0, recipe.SMALLEST_THICKNESS / of.thickness)
    return min(1.0, recipe.SMALLEST_DIAMETER / of.diameters.p5)


def _measured_size(of: ClassPrint) -> float:
    if of.diameters is None:
        return 0.0
    return {"thin": of.thickness, "areas": of.typical_diameter}.get(of.kind, of.diameters.p50)


def _size_in_words(of: ClassPrint) -> str:
    size = f"{_measured_size(of):.0f} px"
    words = {
        "points": f"points, drawn as discs of {size},",
        "thin": f"thin things, {size} thick,",
        "areas": f"areas, {size} across,",
        "objects": f"objects, with a median of {size} across,",
    }
    return f"“{of.name}”: {words[of.kind]}"


def crops(fingerprint: Fingerprint, scale: float) -> tuple[int, int, str]:
    """Side of a crop, batch size, and why."""
    sides = [each.sides.p75 for each in fingerprint.classes if each.sides is not None and across(each)]
    longest = max(sides, default=0.0) * scale
    needed = recipe.OBJECTS_IN_CROP * longest
    crop = next((each for each in recipe.CROPS if each >= needed), recipe.CROPS[-1])
    batch = max(recipe.SMALLEST_BATCH, round(recipe.PIXELS / crop**2))
    if not longest:
        return crop, batch, "The usual size: the objects are no measure of it."
    return (
        crop,
        batch,
        (
            f"Three quarters of the objects are at most {longest:.0f} px long at the working scale: a crop holds "
            "one with its surroundings."
        ),
    )

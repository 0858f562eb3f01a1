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

    Of several classes the rarest decides, areas only where there is nothing else; the others must not vanish. The size
    of objects is their median; where sizes differ widely, the geometric mean of the median and of the size above and
    below which half of the pixels lie, since an object must be seen with its surroundings and a median alone says
    nothing of those that hold most of the pixels.
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
    become = " and ".join(f"{size * scale:.0f}" for size in _sizes(decides))
    return scale, (
        f"{_size_in_words(decides)} become about {become} px, so that more of them and of their surroundings are seen "
        "at once; predictions are brought back to the scene's grid."
    )


def _wanted_scale(of: ClassPrint) -> float:
    """The working scale that suits one class, not above 1."""
    if of.diameters is None or of.kind == "points":
        return 1.0
    if of.kind == "thin":
        return min(1.0, recipe.TARGET_THICKNESS / of.thickness)
    if of.kind == "areas":
        return recipe.AREA_SCALE
    sizes = _sizes(of)
    return min(1.0, max(recipe.TARGET_DIAMETER / math.prod(sizes) ** (1 / len(sizes)), _least_scale(of)))


def _least_scale(of: ClassPrint) -> float:
    """The working scale below which a class vanishes, not above 1."""
    if of.diameters is None or of.kind == "points":
        return 1.0
    if of.kind == "areas":
        return 0.0
    if of.kind == "thin":
        return min(1.0, recipe.SMALLEST_THICKNESS / of.thickness)
    return min(1.0, recipe.SMALLEST_DIAMETER / of.diameters.p5)


def _differ_widely(of: ClassPrint) -> bool:
    """Whether a few large objects hold most of a class's pixels: potholes do, beside many small ones."""
    return of.typical_diameter > recipe.WIDE_SIZES * across(of) > 0


def _sizes(of: ClassPrint) -> tuple[float, ...]:
    """What the working scale is to suit, in pixels.

    The thickness of thin things, the size of areas; of objects the median and, where sizes differ widely, the size
    above and below which half of the pixels lie.
    """
    if of.diameters is None:
        return (0.0,)
    if of.kind in ("thin", "areas"):
        return (of.thickness if of.kind == "thin" else of.typical_diameter,)
    return (of.diameters.p50, of.typical_diameter) if _differ_widely(of) else (of.diameters.p50,)


def _size_in_words(of: ClassPrint) -> str:
    sizes = [f"{size:.0f} px" for size in _sizes(of)]
    words = {
        "points": f"points, drawn as discs of {sizes[0]},",
        "thin": f"thin things, {sizes[0]} thick,",
        "areas": f"areas, {sizes[0]} across,",
        "objects": f"objects, with a median of {sizes[0]} across,",
    }
    if _differ_widely(of):
        words["objects"] = (
            f"objects of very different sizes, with a median of {sizes[0]} across while half of their pixels lie in "
            f"those above {sizes[-1]},"
        )
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

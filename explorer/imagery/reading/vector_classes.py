"""Which property of a vector file holds the class of its polygons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.names import escaped
from explorer.imagery.reading.roles import OBJECT
from explorer.imagery.reading.vector_files import LAYER
from explorer.imagery.scene import BACKGROUND

CLASS_PROPERTIES = ("class", "class_name", "label", "name", "category", "type")
"""Tried in this order, whatever their case."""

_OFTEN_OTHER = ("name", "type", LAYER)  # only taken for the class if every feature has a value
_MANY = 16  # values of which none repeats: an id of each feature
_MAX_LENGTH = 80  # characters of a class name
_LISTED = 12  # properties in a message
_NUMBERING = re.compile(r"^(.*?\D)\s*\d+$")


def classes_of(
    properties: Mapping[str, Sequence[str | None]],
    features: Sequence[int],
    chosen: str | None,
    max_classes: int,
    name: str,
) -> tuple[dict[int, str], tuple[Note, ...]]:
    """The class of each feature that has polygons.

    A feature without a value is an ``OBJECT``. A value "background" is renamed, so that what was drawn does not become
    background.

    Args:
        properties: by name the value of each feature.
        features: positions of the features with polygons.
        chosen: the property that a visitor chose, if any.
        max_classes: of a dataset, background included.
        name: of the file, for messages.

    Returns:
        The class by position of the feature; and what is to be said about the property.

    Raises:
        InputError: there is no such property, or it has too many values.
    """
    found = {key: values for key, column in properties.items() if (values := _present(column, features))}
    if not features or (not found and chosen is None):
        return dict.fromkeys(features, OBJECT), ()
    if chosen is not None:
        key = _named(chosen, found)
        if key is None:
            raise InputError(f"no property {chosen!r}; its properties: {_listed(found)}", name, "choose one of them")
        _check_values(key, found[key], max_classes, name)
        skipped: list[str] = []
    else:
        key, skipped = _chosen(found, len(features), max_classes)
    sentences = list(skipped)
    if key is None:
        sentences.append(
            f"No property is taken for a class: every polygon is '{OBJECT}'. Properties found: {_listed(found)}; "
            "choose one (--class-property)."
        )
        return dict.fromkeys(features, OBJECT), (Note("class_property", " ".join(sentences)),)
    others = [other for other in found if other != key]
    missing = len(features) - len(found[key])
    if others or skipped or missing:
        tail = f"; others: {_listed(others)}" if others else ""
        sentences.append(f"The class is taken from the property '{key}'{tail}.")
    if missing:
        sentences.append(f"{missing} of {len(features)} features have no value and are '{OBJECT}'.")
    column = properties[key]
    classes = {feature: _safe(column[feature] or OBJECT) for feature in features}
    return classes, (Note("class_property", " ".join(sentences)),) if sentences else ()


def _present(column: Sequence[str | None], features: Sequence[int]) -> list[str]:
    return [value for feature in features if (value := column[feature]) is not None]


def _named(wanted: str, found: Mapping[str, object]) -> str | None:
    if wanted in found:
        return wanted
    return next((key for key in found if key.casefold() == wanted.casefold()), None)


def _chosen(found: Mapping[str, Sequence[str]], features: int, max_classes: int) -> tuple[str | None, list[str]]:
    """The first property that may hold a class, and why those before it do not."""
    skipped = []
    for tried in (*CLASS_PROPERTIES, LAYER):
        for key in (key for key in found if key.casefold() == tried):
            values = found[key]
            distinct = len(set(values))
            if distinct >= max_classes or (distinct == features and distinct > _MANY):
                skipped.append(f"The property '{key}' has {distinct} values in {features} features: not a class.")
            elif tried in _OFTEN_OTHER and len(values) < features:
                skipped.append(
                    f"The property '{key}' is empty in {features - len(values)} of {features} features: not a class."
                )
            elif max(map(len, values)) > _MAX_LENGTH:
                skipped.append(f"The property '{key}' holds long texts: not a class.")
            elif tried == "name" and _is_numbering(values):
                skipped.append(f"The property '{key}' numbers the features ('{values[0]}'): not a class.")
            else:
                return key, skipped
    return None, skipped


def _is_numbering(values: Sequence[str]) -> bool:
    """Whether names differ in a number at their end only, as "Polygon 1" and "Polygon 2"."""
    stems = {match[1] if (match := _NUMBERING.match(value)) else None for value in values}
    return 1 < len(values) == len(set(values)) and len(stems) == 1 and None not in stems


def _check_values(key: str, values: Sequence[str], max_classes: int, name: str) -> None:
    distinct = len(set(values))
    if distinct >= max_classes:
        raise InputError(
            f"{distinct} classes in its property '{key}', at most {max_classes - 1}", name, "choose another property"
        )
    if max(map(len, values)) > _MAX_LENGTH:
        raise InputError(f"its property '{key}' holds long texts, not classes", name, "choose another property")


def _safe(value: str) -> str:
    return f"{value} (drawn)" if value.casefold() == BACKGROUND else value


def _listed(keys: Sequence[str] | Mapping[str, object]) -> str:
    shown = [escaped(key[:_MAX_LENGTH]) for key in keys]
    return ", ".join(shown[:_LISTED]) + (f" and {len(shown) - _LISTED} more" if len(shown) > _LISTED else "") or "none"

"""What was noticed while files were read, and what the visitor can choose about it: notes, values of masks, pairs."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from explorer.figures.colours import class_colour, swatch
from explorer.imagery.choices import NODATA, ReadingChoices
from explorer.imagery.notes import NOTE_CODES, Note
from explorer.imagery.offers import A_CLASS, MERGE, edited_choices, made_so_far, offers_of
from explorer.imagery.reading.roles import IGNORE_NAME
from explorer.imagery.reading.values import MOST_VALUES
from explorer.imagery.readings import Reading, ReadRow, SceneReport
from explorer.imagery.scene import BACKGROUND
from explorer.ui.frame import stacking_columns
from explorer.ui.messages import escaped, without_options
from explorer.ui.unique_labels import unique_labels

Choose = Callable[[ReadingChoices], None]
"""Takes all choices, once one was made."""

_BY_ITSELF = ""  # the choice of no property
_SHOWN_ELSEWHERE = ("not_used", "cannot_train", "brightness_differs", "no_foreground")  # table, problem, checks
_SHOWN_REASONS = 4  # why rows are not used, above their table; the most frequent ones
_SHOWN_SCENES = 6  # notes of one code that are listed one by one


def show_notes(reading: Reading, choose: Choose) -> bool:
    """A row for each code of a note: what was noticed, in which scenes, and a button for each choice about it.

    Returns:
        Whether there is any.
    """
    by_code: dict[str, list[tuple[str, Note]]] = defaultdict(list)
    for note in reading.notes:
        by_code[note.code].append(("", note))
    for report in reading.reports:
        for note in report.notes:
            by_code[note.code].append((report.row.name, note))
    for code in _SHOWN_ELSEWHERE:
        by_code.pop(code, None)
    if by_code:
        st.markdown(f"**{len(by_code)} thing{'s' if len(by_code) > 1 else ''} noticed while reading**")
    for code, notes in by_code.items():
        with st.container(border=True, key=f"note-{code}"):
            _show_note(code, notes, reading, choose)
    _show_choices(reading, choose)
    return bool(by_code)


def _show_note(code: str, notes: list[tuple[str, Note]], reading: Reading, choose: Choose) -> None:
    of_set = [note for scene, note in notes if not scene]
    of_scenes = [(scene, note) for scene, note in notes if scene]
    offers = offers_of(code, reading)
    said, buttons = stacking_columns(f"note-{code}", [2, 1], centred=True) if offers else (st.container(), None)
    with said:
        if of_set:
            for text in dict.fromkeys(note.text for note in of_set):
                st.markdown(f":material/info: {_shown(text)}")
        elif len(of_scenes) == 1:
            st.markdown(f":material/info: **{escaped(of_scenes[0][0])}**: {_shown(of_scenes[0][1].text)}")
        elif len({note.text for _, note in of_scenes}) == 1:
            st.markdown(f":material/info: **{len(of_scenes)} scenes**: {_shown(of_scenes[0][1].text)}")
        else:
            st.markdown(f":material/info: **{len(of_scenes)} scenes**: {escaped(NOTE_CODES[code])}")
            with st.expander("Scene by scene"):
                for scene, note in of_scenes[:_SHOWN_SCENES]:
                    st.markdown(f"**{escaped(scene)}**: {_shown(note.text)}")
                if len(of_scenes) > _SHOWN_SCENES:
                    st.caption(f"and {len(of_scenes) - _SHOWN_SCENES} more")
    for number, offer in enumerate(offers):
        assert buttons is not None
        buttons.button(
            escaped(offer.text), key=f"offer-{code}-{number}", on_click=choose, args=(offer.choices,), width="stretch"
        )


def _shown(text: str) -> str:
    return escaped(without_options(text))


def _show_choices(reading: Reading, choose: Choose) -> None:
    """What was chosen, each with a button that takes it back, and the same as options of the command line."""
    made = made_so_far(reading.choices)
    if not made:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("You chose:", width="content")
        for number, offer in enumerate(made):
            st.button(
                escaped(offer.text), icon=":material/undo:", key=f"made-{number}", on_click=choose,
                args=(offer.choices,), help="Take this choice back", type="tertiary",
            )  # fmt: skip
        show_options(reading.choices)


def show_options(choices: ReadingChoices) -> None:
    """The choices as options of the command line."""
    with st.popover("On the command line", type="tertiary", icon=":material/terminal:"):
        st.code(shlex.join(choices.as_options()), language="bash", wrap_lines=True)


def pick_property(properties: Sequence[str], reading: Reading, choose: Choose) -> None:
    """Which property of vector files holds the class; nothing where no label has properties."""
    if not properties:
        return
    labels = {_BY_ITSELF: "found by itself", **unique_labels({name: name for name in properties})}
    chosen = reading.choices.class_property
    st.selectbox(
        "Property that holds the class",
        list(labels),
        list(labels).index(chosen) if chosen in labels else 0,
        labels.__getitem__,
        key=f"class-property-{chosen}",
        on_change=_take_property,
        args=(f"class-property-{chosen}", reading, choose),
    )


def _take_property(key: str, reading: Reading, choose: Choose) -> None:
    choose(reading.choices.model_copy(update={"class_property": st.session_state[key] or None}))


def edit_values(examples: Sequence[str], reading: Reading, choose: Choose) -> None:
    """A table of the values of the masks: what each is taken for can be changed, and classes can be named.

    Args:
        examples: thumbnails of the values, "" where there is none.
        reading: with the values.
        choose: takes the choices.
    """
    if not reading.values:
        return
    table = _values_table(reading, examples)
    merges = [f"{MERGE}{name}" for name in reading.classes[1:]]
    key = f"values-{hash(reading.choices.model_dump_json())}-{len(reading.values)}"
    st.data_editor(
        table,
        key=key,
        hide_index=True,
        disabled=["example", "value", "share", "pieces"],
        column_config={
            "example": st.column_config.ImageColumn("", width=60, help="Where the value covers the most pixels."),
            "value": st.column_config.TextColumn("value", width="small"),
            "taken for": st.column_config.SelectboxColumn(
                "taken for", options=[A_CLASS, BACKGROUND, IGNORE_NAME, *merges], required=True
            ),
            "class": st.column_config.TextColumn("class name", max_chars=40, help="Click to rename."),
            "share": st.column_config.NumberColumn("share", format="%.3g %%", help="Of all pixels of the masks."),
            "pieces": st.column_config.NumberColumn("pieces", format="localized", help="Connected pixels."),
        },
        placeholder="",
        row_height=60,
        on_change=_take_values,
        args=(key, reading, choose),
    )
    if len(reading.values) >= MOST_VALUES:
        st.caption(f"The first {MOST_VALUES} values are listed.")
    if len(reading.classes) < 2:
        return
    if len(reading.classes) > 2:
        st.caption("Colours of the classes on screen")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(reading.classes) == 2:
            swapped = reading.choices.model_copy(update={"swap": not reading.choices.swap})
            st.button(
                "Swap object and background", key="swap", icon=":material/swap_horiz:", on_click=choose,
                args=(swapped,),
            )  # fmt: skip
        for class_id, name in enumerate(reading.classes[1:], start=1):  # no popover: closing it loses the colour
            shown = reading.choices.colours.get(name, class_colour(class_id))
            picked = f"colour-{class_id}-{name}-{shown}"
            st.color_picker(
                escaped(name), shown, key=picked, on_change=_take_colour, args=(picked, name, reading, choose),
            )  # fmt: skip


def _values_table(reading: Reading, examples: Sequence[str]) -> pd.DataFrame:
    first_of: dict[str, str] = {}
    rows = []
    for value, example in zip(reading.values, examples, strict=True):
        is_class = value.role not in (BACKGROUND, IGNORE_NAME, "")
        merged = is_class and first_of.setdefault(value.role, value.text) != value.text
        taken = f"{MERGE}{value.role}" if merged else A_CLASS if is_class else value.role or "refused"
        rows.append(
            {
                "example": example or swatch(value.colour or "#00000000"),
                "value": value.text,
                "taken for": taken,
                "class": value.role if is_class else None,
                "share": 100 * value.share,
                "pieces": None if value.text == NODATA else value.pieces,
            }
        )
    return pd.DataFrame(rows).astype({"pieces": "Int64"})


def _take_values(key: str, reading: Reading, choose: Choose) -> None:
    edited: Mapping[int, Mapping[str, str]] = st.session_state[key]["edited_rows"]
    choices = reading.choices
    for number, changes in edited.items():
        row = reading.values[int(number)]
        name = changes.get("class")
        choices = edited_choices(reading, choices, row, changes.get("taken for"), name)
        if name:
            colours = renamed_colours(choices.colours, row.role, name.strip())
            choices = choices.model_copy(update={"colours": colours})
    choose(choices)


def renamed_colours(colours: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """The colours by class name, once a class has another name."""
    return {new if name == old else name: colour for name, colour in colours.items()}


def _take_colour(key: str, name: str, reading: Reading, choose: Choose) -> None:
    colours = reading.choices.colours | {name: st.session_state[key]}
    choose(reading.choices.model_copy(update={"colours": colours}))


def show_pairs(looks: Mapping[str, str], reading: Reading, choose: Choose) -> None:
    """A row for each image and label: what is used, what is not and why; the label of an image can be chosen.

    Args:
        looks: thumbnails of files that are not used.
        reading: with the rows.
        choose: takes the choices.
    """
    rows = [report.row for report in reading.reports]
    images = [row.pair.image for row in rows if row.pair.image is not None]
    labels = sorted({row.pair.mask for row in rows if row.pair.mask is not None})
    table = pd.DataFrame(
        [(report.scene is not None, *_files_of(report.row), _reason(report)) for report in reading.reports]
        + [(False, file.name, None, file.reason) for file in reading.skipped if not file.expected],
        columns=["used", "image", "mask", "why not"],
    ).sort_values("used", kind="stable")
    unused = int((~table["used"]).sum())
    if unused:
        rows_shown = zip(table["image"], table["mask"], strict=True)
        table.insert(1, "looks like", [next((looks[name] for name in row if name in looks), "") for row in rows_shown])
    key = f"pairs-{hash(tuple(reading.choices.pairs.items()))}-{len(table)}-{unused}"
    with st.expander(
        f"{len(table) - unused} of {len(table)} rows used" + (": see why" if unused else ""),
        expanded=unused > 0,
        icon=":material/link:",
    ):
        columns = {
            "used": st.column_config.CheckboxColumn(width=50),
            "looks like": st.column_config.ImageColumn("", width=60, help="Files that are not used."),
            "image": st.column_config.TextColumn(width=130),
            "mask": st.column_config.SelectboxColumn(
                width=130, options=labels, help="Click to choose the label of an image by hand."
            ),
            "why not": st.column_config.TextColumn(help="Click a cell to read it in full."),
        }
        for reason, times in Counter(table["why not"].dropna()).most_common(_SHOWN_REASONS):
            st.caption(f"**{times} {'row' if times == 1 else 'rows'}**: {escaped(reason)}")
        st.data_editor(
            table,
            key=key,
            hide_index=True,
            disabled=["used", "looks like", "image", "why not"],
            column_config={name: column for name, column in columns.items() if name in table.columns},
            column_order=[name for name in columns if name in table.columns and (unused or name != "why not")],
            placeholder="none",
            row_height=64 if unused else None,
            on_change=_take_pairs,
            args=(key, list(table["image"]), images, reading, choose),
        )


def _reason(report: SceneReport) -> str | None:
    """Why a row is not used, without the names that stand beside it."""
    reason = report.reason
    for name in (report.row.name, report.row.pair.image, report.row.pair.mask):
        reason = reason.removeprefix(f"{name}: ")
    return reason[:1].upper() + reason[1:] or None


def _files_of(row: ReadRow) -> tuple[str | None, str | None]:
    """Image and label of a row; several masks of one image as one text."""
    more = len(row.pair.more_masks)
    mask = f"{row.pair.mask} and {more} more" if more and row.pair.mask is not None else row.pair.mask
    return row.pair.image, mask


def _take_pairs(key: str, shown: list[str | None], images: list[str], reading: Reading, choose: Choose) -> None:
    edited: Mapping[int, Mapping[str, str | None]] = st.session_state[key]["edited_rows"]
    pairs = dict(reading.choices.pairs)
    for number, changes in edited.items():
        image, mask = shown[int(number)], changes.get("mask")
        if image in images and mask:
            pairs[str(image)] = mask
    choose(reading.choices.model_copy(update={"pairs": pairs}))

"""Which dataset to train on: built-in cards, and a list that offers each dataset once and begins with the last used.

A built-in dataset is drawn at its first use, which takes seconds. From then on a small file of the store holds its
id, so that a list of datasets tells it from others of the same name without drawing it again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from pydantic import BaseModel, ConfigDict, ValidationError
from streamlit.delta_generator import DeltaGenerator

from explorer.files import write_atomically
from explorer.imagery.builtin import BUILTIN
from explorer.runs.ownership import is_of
from explorer.runs.records import DatasetRecord
from explorer.ui import address, services
from explorer.ui.identity import listed_datasets, visitor
from explorer.ui.locks import is_locked, is_locked_by_link_alone, require_unlocked
from explorer.ui.messages import escaped
from explorer.ui.sharing import mark
from explorer.ui.unique_labels import unique_labels

_PREFIX = "builtin:"
_DATASET = "dataset"  # in the address and in the session
_PICTURES = Path(__file__).resolve().parents[2] / "assets" / "builtin"
_turn = threading.Lock()  # of those who write the file
_logger = logging.getLogger(__name__)


class _Remembered(BaseModel):
    """What the store's file ``chosen.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # of what earlier versions wrote, too

    builtin: dict[str, str] = {}  # ids of the built-in datasets that were drawn, by key


def dataset_choices() -> dict[str, str]:
    """Every dataset once, built-in ones first: ``{"builtin:car_park": "Car park (built in)", "<id>": "its name"}``.

    Labels are unique, also in a store that holds datasets of one name.
    """
    drawn = _drawn_ids()
    saved = [record for record in listed_datasets() if record.id not in drawn.values()]
    built_in = {f"{_PREFIX}{key}": f"{info.name} (built in)" for key, info in BUILTIN.items()}
    return unique_labels(built_in | dataset_labels(saved))


def dataset_labels(records: Iterable[DatasetRecord]) -> dict[str, str]:
    """Saved datasets as they read in a list, by id: those of others with their names."""
    names, me = services.store().visitors.names(), visitor()
    return unique_labels({record.id: record.name + mark(record, me, names) for record in records})


def resolve(choice: str) -> str:
    """The store's id behind a key of ``dataset_choices``; a built-in dataset is drawn at its first use."""
    if not choice.startswith(_PREFIX):
        return choice
    key = choice.removeprefix(_PREFIX)
    dataset_id = services.builtin_id(key)
    if _remembered().builtin.get(key) != dataset_id:
        with _turn:
            _write(builtin=_remembered().builtin | {key: dataset_id})
    return dataset_id


def is_dataset(choice: str) -> bool:
    """Whether there is such a dataset for the visitor, by its id in the store or as a key of ``dataset_choices``."""
    if choice.startswith(_PREFIX):
        return choice.removeprefix(_PREFIX) in BUILTIN
    return any(record.id == choice for record in listed_datasets())


def is_builtin(dataset_id: str) -> bool:
    """Whether a dataset of the store is a built-in one."""
    return _choice_of(dataset_id, _drawn_ids()).startswith(_PREFIX)


def choose(choice: str) -> None:
    """Makes a dataset the one that the visitor trains on, in this session and in later ones.

    Raises:
        InputError: the choice is locked.
    """
    require_unlocked("dataset")
    st.session_state[_DATASET] = choice
    services.store().visitors.choose(visitor().id, choice)


def last_used() -> str | None:
    """The dataset that the visitor chose, saved or trained on last, as a key of ``dataset_choices``."""
    me, drawn = visitor(), _drawn_ids()
    used = [(run.created, run.dataset_id) for run in services.store().runs() if is_of(run, me)][:1]
    used += [(record.created, record.id) for record in services.store().datasets() if is_of(record, me)][:1]
    chosen = services.store().visitors.chosen(me.id)
    if chosen is not None:
        used.append(chosen)
    return _choice_of(max(used)[1], drawn) if used else None


def builtin_cards() -> dict[str, DeltaGenerator]:
    """Draws a card with picture, name and description for each built-in dataset.

    Returns:
        The cards by key of ``BUILTIN``; a button added to one is aligned with its lower edge.
    """
    cards = {}
    for column, (key, info) in zip(st.columns(len(BUILTIN)), BUILTIN.items(), strict=True):
        cards[key] = column.container(border=True, height="stretch", key=f"tile-{key}")
        cards[key].image(_PICTURES / f"{key}.jpg", width="stretch", alt=f"{info.name} from above")
        cards[key].markdown(f"**{info.name}**  \n{info.sentence}")
    return cards


def pick_dataset(notes: DeltaGenerator) -> str:
    """A selectbox of datasets, with the one that the address names, else the one used last.

    Args:
        notes: where to say which one was taken, if nobody named it.

    Returns:
        The store's id of the dataset. The address names the choice, so that a reload keeps it.
    """
    choices, drawn = dataset_choices(), _drawn_ids()
    asked = st.query_params.get(_DATASET)
    locked = is_locked("dataset")
    if locked and (_DATASET in st.session_state or not is_locked_by_link_alone("dataset")):
        asked = None
    wanted = _choice_of(asked or "", drawn)
    if wanted not in choices:  # the frame has said so
        wanted = _choice_of(st.session_state.get(_DATASET, ""), drawn)
    if wanted not in choices:
        wanted = last_used() or ""
        if wanted in choices:
            notes.caption(f"{escaped(choices[wanted])} is the dataset that you used last.")
        else:
            wanted = f"{_PREFIX}car_park"
    st.session_state[_DATASET] = st.query_params[_DATASET] = wanted
    address.select("Dataset", list(choices), wanted, choices.__getitem__, _take, disabled=locked)
    dataset_id = resolve(wanted)
    services.store().belongings.look_at("dataset", dataset_id)
    return dataset_id


def _take(choice: str) -> None:
    if not is_locked("dataset"):
        st.query_params[_DATASET] = choice
        choose(choice)


def _choice_of(dataset_id: str, drawn: dict[str, str]) -> str:
    """The key of ``dataset_choices`` for an id of the store or for a key."""
    return next((f"{_PREFIX}{key}" for key, each in drawn.items() if each == dataset_id), dataset_id)


def _drawn_ids() -> dict[str, str]:
    """The ids of the built-in datasets that are in the store, by key."""
    known = _remembered().builtin
    unknown = [key for key in BUILTIN if key not in known]
    records = services.store().datasets() if unknown else []
    for key in unknown:
        if any(_looks_like(record, key) for record in records):  # drawn before their ids were written down
            known = known | {key: resolve(f"{_PREFIX}{key}")}
    return known


def _looks_like(record: DatasetRecord, key: str) -> bool:
    info = BUILTIN[key]
    shown = record.name, record.classes, record.bands, record.scenes
    return shown == (info.name, info.classes, info.bands, info.training + info.validation)


def _file() -> Path:
    return services.store().root / "chosen.json"


def _remembered() -> _Remembered:
    try:
        return _Remembered.model_validate_json(_file().read_bytes())
    except FileNotFoundError:
        return _Remembered()
    except (OSError, ValidationError) as error:
        _logger.warning("%s: %s", _file(), error)
        return _Remembered()


def _write(**changes: object) -> None:
    remembered = _remembered().model_copy(update=changes)
    write_atomically(_file(), remembered.model_dump_json(indent=1).encode())

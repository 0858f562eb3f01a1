"""What visitors own: shared, renamed, tagged, archived, deleted and restored, by whoever may and by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.runs.belongings import LONGEST_TAG, MOST_TAGS, Kind
from explorer.runs.ownership import Visitor, is_seen_by, may_look
from explorer.runs.records import DatasetRecord, RunRecord
from explorer.runs.store import Store
from tests.runs.tiny import tiny_dataset, tiny_plan

ANA, BEN, TEACHER = Visitor("a" * 24, "Ana"), Visitor("b" * 24, "Ben"), Visitor("c" * 24, "Cleo", teacher=True)
KINDS: tuple[Kind, ...] = ("run", "dataset")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def made(store: Store, owner: str | None = ANA.id, name: str = "quay") -> dict[Kind, str]:
    """A dataset and a run on it."""
    dataset_id = store.save_dataset(tiny_dataset(name), owner)
    return {"dataset": dataset_id, "run": store.create_run(tiny_plan(), dataset_id, owner=owner).id}


def record(store: Store, kind: Kind, item_id: str) -> RunRecord | DatasetRecord:
    return store.run(item_id) if kind == "run" else store.dataset_record(item_id)


CHANGES: dict[str, Callable[[Store, Kind, str, Visitor], object]] = {
    "share": lambda store, kind, item, who: store.belongings.share(kind, item, True, who),
    "keep to oneself": lambda store, kind, item, who: store.belongings.share(kind, item, False, who),
    "rename": lambda store, kind, item, who: store.belongings.rename(kind, item, "mine now", who),
    "archive": lambda store, kind, item, who: store.belongings.archive(kind, item, True, who),
    "tag": lambda store, kind, item, who: store.belongings.tag(kind, item, ["x"], who),
    "delete": lambda store, kind, item, who: store.belongings.delete(kind, item, who),
    "restore": lambda store, kind, item, who: store.belongings.restore(kind, item, who),
    "remove": lambda store, kind, item, who: store.bin.remove(kind, item, who),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [False, True])
def test_nobody_changes_what_is_somebody_elses(store: Store, change: str, kind: Kind, shared: bool) -> None:
    item = made(store)[kind]
    store.belongings.share(kind, item, shared, ANA)
    before = record(store, kind, item)
    for visitor in (BEN, TEACHER):
        with pytest.raises(InputError, match="somebody else's"):
            CHANGES[change](store, kind, item, visitor)
    assert record(store, kind, item) == before


@pytest.mark.parametrize("change", [each for each in CHANGES if each not in ("share", "keep to oneself", "remove")])
@pytest.mark.parametrize("kind", KINDS)
def test_only_the_teacher_changes_what_is_nobodys(store: Store, change: str, kind: Kind) -> None:
    item = made(store, owner=None)[kind]
    with pytest.raises(InputError, match="only the teacher"):
        CHANGES[change](store, kind, item, BEN)
    CHANGES[change](store, kind, item, TEACHER)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_exist_is_named(store: Store, change: str, kind: Kind) -> None:
    with pytest.raises(InputError, match="nowhere"):
        CHANGES[change](store, kind, "nowhere", ANA)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shared_is_listed_for_others_until_it_is_not(store: Store, kind: Kind) -> None:
    item = made(store)[kind]
    seen = []
    for shared in (False, True, False):
        store.belongings.share(kind, item, shared, ANA)
        seen.append(is_seen_by(record(store, kind, item), BEN))
    assert seen == [False, True, False]


def test_a_run_on_a_dataset_that_somebody_no_longer_shares_is_its_own_visitors_alone(store: Store) -> None:
    dataset_id = made(store)["dataset"]
    store.belongings.share("dataset", dataset_id, True, ANA)
    run_id = store.create_run(tiny_plan(), dataset_id, owner=BEN.id).id
    store.belongings.share("run", run_id, True, BEN)

    def lookers() -> list[str]:
        run, dataset = store.run(run_id), store.dataset_record(dataset_id)
        return [who.name for who in (ANA, BEN, TEACHER) if may_look(run, dataset, who)]

    assert lookers() == ["Ana", "Ben", "Cleo"]
    store.belongings.share("dataset", dataset_id, False, ANA)
    assert lookers() == ["Ana", "Ben"]
    with pytest.raises(InputError, match="no longer shared"):
        store.belongings.share("run", run_id, True, BEN)
    store.belongings.share("run", run_id, False, BEN)


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_cleaned_and_differ_from_the_owners_others(store: Store, kind: Kind) -> None:
    first, second, others = made(store)[kind], made(store, name="pier")[kind], made(store, BEN.id)[kind]
    assert store.belongings.rename(kind, first, " north \n\t quay ", ANA) == "north quay"
    assert store.belongings.rename(kind, second, "North  Quay", ANA) == "North Quay (2)"
    assert store.belongings.rename(kind, others, "north quay", BEN) == "north quay"
    assert store.belongings.rename(kind, first, "north quay", ANA) == "north quay", "its own name is free"
    for name in ("", " \n", "x" * 61):
        with pytest.raises(InputError, match="1 to 60"):
            store.belongings.rename(kind, first, name, ANA)
    assert record(store, kind, second).name == "North Quay (2)"


def test_a_renamed_dataset_is_the_same_dataset_when_it_is_saved_again(store: Store) -> None:
    made_first = made(store)["dataset"]
    store.belongings.rename("dataset", made_first, "harbour", ANA)
    shown = store.dataset(made_first)
    assert shown.name == "harbour"
    assert store.save_dataset(shown, ANA.id) == made_first, "as a page that shows it saves it"
    assert store.save_dataset(tiny_dataset("quay"), ANA.id) == made_first, "as it was uploaded"
    assert [each.name for each in store.datasets()] == ["harbour"]
    other = store.save_dataset(tiny_dataset("pier"), ANA.id)
    assert store.save_dataset(replace(tiny_dataset("harbour")), ANA.id) != other
    assert content_hash(store.dataset(other)) == content_hash(tiny_dataset("pier"))


def test_tags_are_normalised_and_limited(store: Store) -> None:
    run = made(store)["run"]
    assert store.belongings.tag("run", run, ["Ships", " ships ", "lesson\n2", ""], ANA) == ("lesson 2", "ships")
    assert store.run(run).tags == ("lesson 2", "ships")
    with pytest.raises(InputError, match="9 tags"):
        store.belongings.tag("run", run, [f"t{number}" for number in range(MOST_TAGS + 1)], ANA)
    with pytest.raises(InputError, match="25 characters"):
        store.belongings.tag("run", run, ["x" * (LONGEST_TAG + 1)], ANA)
    assert store.belongings.tag("run", run, [], ANA) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_deleted_leaves_the_lists_and_comes_back_as_it_was(store: Store, kind: Kind) -> None:
    item = made(store)[kind]
    store.belongings.tag(kind, item, ["x"], ANA)
    before = record(store, kind, item)
    listed = store.runs if kind == "run" else store.datasets
    store.belongings.delete(kind, item, ANA)
    assert item not in {each.id for each in listed()}
    deleted = record(store, kind, item).deleted
    store.belongings.delete(kind, item, ANA)
    assert record(store, kind, item).deleted == deleted is not None, "the first click counts"
    store.belongings.restore(kind, item, ANA)
    assert record(store, kind, item) == before
    assert item in {each.id for each in listed()}


def test_a_dataset_that_is_saved_again_leaves_bin_and_archive(store: Store) -> None:
    dataset_id = made(store)["dataset"]
    store.belongings.archive("dataset", dataset_id, True, ANA)
    store.belongings.delete("dataset", dataset_id, ANA)
    assert store.save_dataset(tiny_dataset("quay"), ANA.id) == dataset_id
    (listed,) = store.datasets()
    assert (listed.id, listed.archived) == (dataset_id, False)

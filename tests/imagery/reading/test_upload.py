import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.imagery.reading.upload import safe_name, unpack
from explorer.settings import MEBI, Settings
from tests.imagery.encoders import shortly, zipped

GOOD = {"images/a.png": b"image", "masks/a.png": b"mask"}


def encrypted(name):
    """A zip whose one member is flagged as encrypted in both of its headers."""
    data = bytearray(zipped({name: b"secret"}, zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def with_raw_name(name: bytes) -> bytes:
    """A zip with a member name that ordinary software does not write."""
    stand_in = b"n" * len(name)
    return zipped({stand_in.decode(): b"data"}).replace(stand_in, name)


def test_files_and_zips_come_out_as_one_set_of_files():
    unpacked = unpack({"more.png": b"more", "all.zip": zipped(GOOD)})
    assert unpacked.files == {"more.png": b"more", **GOOD}
    assert unpacked.skipped == ()


def test_a_zip_is_known_by_its_content_not_its_name():
    assert unpack({"images.png": zipped(GOOD)}).files == GOOD


@pytest.mark.parametrize("name", ["__MACOSX/._a.png", ".DS_Store", "images/.hidden.png", "images/Thumbs.db"])
def test_hidden_and_system_files_are_skipped_as_expected(name):
    unpacked = unpack({"all.zip": zipped({**GOOD, name: b"x"})})
    assert unpacked.files == GOOD
    assert [(entry.name, entry.expected) for entry in unpacked.skipped] == [(name, True)]


def test_folders_in_a_zip_are_not_files():
    unpacked = unpack({"all.zip": zipped({**GOOD, "images/": b""})})
    assert unpacked.files == GOOD
    assert unpacked.skipped == ()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (zipped({"../evil.png": b"x"}), "leads out"),
        (zipped({"a/../../evil.png": b"x"}), "leads out"),
        (zipped({"/etc/evil.png": b"x"}), "leads out"),
        (with_raw_name(b"..\\evil.png"), "leads out"),
        (with_raw_name(b"C:\\evil.png"), "leads out"),
        (with_raw_name(b"a.png\0.zip"), "control characters"),
        (zipped({"x" * 300: b"x"}), "too long"),
        (zipped({"inner.zip": zipped(GOOD)}), "a zip within a zip"),
        (zipped({"inner.png": zipped(GOOD)}), "a zip within a zip"),
        (zipped({"empty.png": b""}), "empty"),
        (zipped({"zeros.png": bytes(9 * MEBI)}), "zip bomb"),
        (zipped({"a.png": bytes(2 * MEBI)}, zipfile.ZIP_BZIP2), "unusual compression"),
        (encrypted("a.png"), "encrypted"),
        (zipped({"a.png": b"0123456789"}, zipfile.ZIP_STORED).replace(b"789", b"780"), "broken in the zip"),
        (zipped(GOOD)[:-10], "a broken zip"),
        (b"PK\x03\x04 but no zip", "a broken zip"),
        (zipped({str(number): b"x" for number in range(501)}), "501 files, at most 500"),
    ],
    ids=shortly,
)  # fmt: skip
def test_a_hostile_zip_is_refused_with_the_reason_and_loses_nothing_else(bad, reason):
    unpacked = unpack({"bad.zip": bad, "good.zip": zipped(GOOD)})
    assert unpacked.files == GOOD
    (entry,) = unpacked.skipped
    assert reason in entry.reason
    assert not entry.expected
    with pytest.raises(InputError, match="no file could be used"):
        unpack({"bad.zip": bad})


def test_the_size_that_a_zip_declares_is_checked_before_it_is_unpacked():
    members = {str(number): bytes(MEBI) for number in range(5)}
    with pytest.raises(InputError, match="5 MiB unpacked, at most 4 MiB"):
        unpack({"all.zip": zipped(members)}, Settings(max_total_bytes=4 * MEBI))


def test_a_declared_size_that_lies_is_refused():
    honest = zipped({"a.png": bytes(MEBI)})
    lying = honest.replace(MEBI.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert zipfile.ZipFile(io.BytesIO(lying)).infolist()[0].file_size == 10
    with pytest.raises(InputError, match="broken in the zip"):
        unpack({"all.zip": lying})


@pytest.mark.parametrize(
    ("uploads", "limits", "message"),
    [
        ({}, {}, "no files"),
        ({".hidden": b"x"}, {}, "no files"),
        ({"a": b"x", "b": b"x", "c": b"x"}, {"max_files": 2}, "3 files, at most 2"),
        ({"a": bytes(600), "b": bytes(600)}, {"max_total_bytes": 1000}, "at most"),
        ({"a": bytes(600)}, {"max_file_bytes": 500}, "larger than"),
        ({"../a.png": b"x"}, {}, "leads out"),
    ],
)
def test_uploads_that_exceed_a_limit_say_which(uploads, limits, message):
    with pytest.raises(InputError, match=message):
        unpack(uploads, Settings(**limits))


def test_a_duplicate_name_is_reported():
    unpacked = unpack({"one.zip": zipped(GOOD), "two.zip": zipped(GOOD)})
    assert unpacked.files == GOOD
    assert ["two.zip" in entry.reason for entry in unpacked.skipped] == [True, True]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_a_safe_name_stays_in_its_folder(name):
    try:
        safe = safe_name(name)
    except InputError:
        return
    assert not safe.startswith("/")
    assert ".." not in safe.split("/")
    assert "\\" not in safe
    assert "\0" not in safe
    assert safe_name(safe) == safe


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6))
def test_a_damaged_zip_never_breaks_unpacking(place, damage):
    good = zipped(GOOD)
    position = int(place * len(good))
    bad = good[:position] + damage + good[position + len(damage) :]
    try:
        files = unpack({"bad.zip": bad}).files
    except InputError:
        return
    assert files

import io
import stat
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.imagery.reading.names import escaped
from explorer.imagery.reading.upload import files_in, safe_name, unpack
from explorer.settings import MEBI, Settings
from tests.imagery.encoders import shortly, zipped

GOOD = {"images/a.png": b"image", "masks/a.png": b"mask"}


def encrypted(name):
    """A zip whose one member is flagged as encrypted in both of its headers."""
    data = bytearray(zipped({name: b"secret"}, zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def link(name):
    """A zip whose one member is a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped({info: b"/etc/passwd"})


def overlapping(count, size):
    """A zip in which ``count`` members share the data of one."""
    data = zipped({"0.png": bytes(size)})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, record = data[start:end], bytearray(data[end:])
    record[8:10] = record[10:12] = count.to_bytes(2, "little")
    record[12:16] = (count * len(entry)).to_bytes(4, "little")
    return data[:start] + b"".join(entry.replace(b"0.png", b"%d.png" % number) for number in range(count)) + record


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
        (with_raw_name(b"a.png\0.zip"), "control or invisible"),
        (zipped({"x" * 300: b"x"}), "too long"),
        (zipped({"inner.zip": zipped(GOOD)}), "a zip within a zip"),
        (zipped({"inner.png": zipped(GOOD)}), "a zip within a zip"),
        (zipped({"empty.png": b""}), "empty"),
        (zipped({"zeros.png": bytes(201 * MEBI)}), "larger than 200 MiB"),
        (link("a.png"), "a link"),
        (zipped({"a.png": bytes(2 * MEBI)}, zipfile.ZIP_BZIP2), "unusual compression"),
        (encrypted("a.png"), "encrypted"),
        (zipped({"a.png": b"0123456789"}, zipfile.ZIP_STORED).replace(b"789", b"780"), "broken in the zip"),
        (zipped(GOOD)[:-10], "a broken zip"),
        (b"PK\x03\x04 but no zip", "a broken zip"),
        (zipped({str(number): b"x" for number in range(20_001)}), "20001 files, at most 20000"),
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


def test_a_declared_size_that_lies_is_refused_and_no_more_than_it_is_unpacked():
    honest = zipped({"a.png": bytes(64 * MEBI)})
    lying = honest.replace((64 * MEBI).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert zipfile.ZipFile(io.BytesIO(lying)).infolist()[0].file_size == 10
    tracemalloc.start()
    with pytest.raises(InputError, match="broken in the zip"):
        unpack({"all.zip": lying})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MEBI


def test_a_sparse_mask_that_packs_a_thousand_to_one_is_no_bomb():
    files = {"masks/s.tif": bytes(9 * MEBI)}
    assert len(zipped(files)) * 900 < 9 * MEBI
    assert unpack({"all.zip": zipped(files)}).files == files


def test_members_that_share_their_data_count_with_their_declared_sizes():
    with pytest.raises(InputError, match="9 MiB unpacked, at most 8 MiB"):
        unpack({"all.zip": overlapping(9, MEBI)}, Settings(max_total_bytes=8 * MEBI))


def test_a_list_of_members_that_would_fill_the_memory_is_not_read():
    data = zipped(GOOD)
    end = data.index(b"PK\x05\x06")
    record = bytearray(data[end:])
    record[12:16] = (65 * MEBI).to_bytes(4, "little")
    with pytest.raises(InputError, match="too many files in the zip"):
        unpack({"all.zip": data[:end] + bytes(65 * MEBI) + bytes(record)})


def test_hidden_and_system_files_do_not_count_towards_the_limits():
    files = {f"__MACOSX/._{number}.png": b"x" for number in range(20)} | {f"{number}.png": b"x" for number in range(10)}
    assert len(unpack({"all.zip": zipped(files)}, Settings(max_files=10)).files) == 10


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


def test_the_same_file_twice_is_reported():
    unpacked = unpack({"one.zip": zipped(GOOD), "two.zip": zipped(GOOD)})
    assert unpacked.files == GOOD
    assert ["two.zip" in entry.reason for entry in unpacked.skipped] == [True, True]


@pytest.mark.parametrize(
    ("uploads", "names"),
    [
        ({"images.zip": {"a.png": b"1"}, "masks.zip": {"a.png": b"2"}}, ["images/a.png", "masks/a.png"]),
        ({"masks.zip": {"masks/a.png": b"1"}, "b.zip": {"b.png": b"2"}}, ["masks/a.png", "b.png"]),
        ({"train.zip": {"a.png": b"1"}, "val.zip": {"a.png": b"2"}}, ["train/a.png", "val/a.png"]),
        (
            {"north.zip": {"a.png": b"1"}, "south.zip": {"a.png": b"2", "b.png": b"3"}},
            ["a.png", "south/a.png", "south/b.png"],
        ),
        ({"masks.zip": {"a.png": b"1"}}, ["a.png"]),
    ],
)
def test_the_name_of_a_zip_becomes_a_folder_where_it_tells_files_apart(uploads, names):
    assert list(unpack({name: zipped(files) for name, files in uploads.items()}).files) == names


def test_an_empty_text_file_is_kept_for_an_image_without_objects():
    files = {"labels/a.txt": b"", "labels/b.txt": b"0 1 1"}
    assert unpack(files).files == unpack({"all.zip": zipped(files)}).files == files


@pytest.mark.parametrize(
    ("raw", "utf8", "name"),
    [
        ("Müll.png".encode(), True, "Müll.png"),
        ("Müll.png".encode(), False, "Müll.png"),  # older macOS does not say that it is UTF-8
        ("Müll.png".encode("cp437"), False, "Müll.png"),
    ],
)
def test_names_in_a_zip_are_read_in_the_encoding_that_they_have(raw, utf8, name):
    data = bytearray(with_raw_name(raw))
    data[7] |= 8 * utf8
    data[data.index(b"PK\x01\x02") + 9] |= 8 * utf8
    assert list(unpack({"all.zip": bytes(data)}).files) == [name]


def test_files_on_disk_are_not_read_unless_they_are_zips(tmp_path):
    (tmp_path / "a.png").write_bytes(b"image")
    (tmp_path / "all.zip").write_bytes(zipped(GOOD))
    (tmp_path / "empty.png").touch()
    unpacked = unpack({path.name: path for path in sorted(tmp_path.iterdir())})
    assert unpacked.files == {"a.png": tmp_path / "a.png", **GOOD}
    assert [(entry.name, entry.reason) for entry in unpacked.skipped] == [
        ("empty.png", "empty.png: the file is empty — save it again")
    ]
    with pytest.raises(InputError, match="larger than"):
        unpack({"a.png": tmp_path / "a.png"}, Settings(max_file_bytes=4))
    with pytest.raises(InputError, match="No such file"):
        unpack({"a.png": tmp_path / "absent.png"})


def test_a_folder_is_listed_with_its_subfolders_and_without_hidden_files(tmp_path):
    for name in ("b/c/a.tif", "a.tif", "b/.hidden", ".git/a.tif", "b/Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert files_in(tmp_path) == {"a.tif": tmp_path / "a.tif", "b/c/a.tif": tmp_path / "b/c/a.tif"}
    assert files_in(tmp_path / "a.tif") == {"a.tif": tmp_path / "a.tif"}
    with pytest.raises(InputError, match="more than 1 files"):
        files_in(tmp_path, Settings(max_files=1))
    with pytest.raises(InputError, match="no such file or folder"):
        files_in(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="contains no files"):
        files_in(tmp_path / "empty")


@pytest.mark.parametrize(
    "name",
    [
        "Screenshot 9.41.00\u202fAM.png",
        "写真\u3000一.png",
        "a\u00a0b.png",
        "می\u200cخواهم.png",
        "\U0001f469\u200d\U0001f33e.png",
        "Müll.png",
    ],
)
def test_names_in_every_script_with_every_space_are_kept(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2066b", "a\\u2066b"),
        ("ü\u200fb", "ü\\u200fb"),
        ("a\nb", "a\\nb"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\ud800b", "a\\ud800b"),
        ("a\u2028b", "a\\u2028b"),
        ("a\ufeffb", "a\\ufeffb"),
    ],
)
def test_control_and_bidirectional_characters_are_refused_and_shown_escaped(name, shown):
    with pytest.raises(InputError, match="control or invisible") as caught:
        safe_name(name)
    assert caught.value.where == shown
    assert unpack({name: b"x", "a.png": b"y"}).skipped[0].name == shown


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
    assert safe == escaped(safe)


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

"""Uploads: files and zips, unpacked in memory under safe relative names. Nothing is written to disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from explorer.errors import InputError
from explorer.imagery.reading.formats import FileKind, kind_of, read_bytes
from explorer.settings import MEBI, Settings, settings

_SMALL_MEMBER = 8 * MEBI  # up to here any ratio is accepted: an empty uncompressed mask packs 1000 : 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_CLUTTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
_MAX_NAME_LENGTH = 255


@dataclass(frozen=True)
class Skipped:
    """A file of an upload that is not used."""

    name: str
    reason: str
    expected: bool = False  # True: a hidden or system file, skipped without a message


@dataclass(frozen=True)
class Unpacked:
    """The files of an upload, those in zips included."""

    files: Mapping[str, bytes]  # by safe relative name
    skipped: tuple[Skipped, ...] = ()


def unpack(uploads: Mapping[str, bytes], limits: Settings | None = None) -> Unpacked:
    """Opens the zips of an upload and checks all names and sizes.

    A file or zip that cannot be used is skipped with the reason; the others are kept.

    Args:
        uploads: content by name, as sent.
        limits: on counts, sizes and the compression ratio; those of the installation if not given.

    Raises:
        InputError: too many files or bytes in total, or no file could be used.
    """
    limits = limits or settings()
    files: dict[str, bytes] = {}
    skipped: list[Skipped] = []
    for upload, data in uploads.items():
        try:
            found = list(_members(upload, data, limits))
        except InputError as error:
            skipped.append(Skipped(upload, str(error)))
            continue
        for member in found:
            if isinstance(member, Skipped):
                skipped.append(member)
            elif member[0] in files:
                skipped.append(Skipped(member[0], f"duplicate name; the copy in {upload} is not used"))
            else:
                files[member[0]] = member[1]
        _check_totals(len(files), sum(map(len, files.values())), "upload", limits)
    if not files:
        reasons = [entry for entry in skipped if not entry.expected]
        if reasons:
            raise InputError(f"no file could be used: {reasons[0].reason}", reasons[0].name, "upload other files")
        raise InputError("no files", "upload", "choose images and their masks, or a zip of both")
    return Unpacked(files, tuple(skipped))


def safe_name(name: str) -> str:
    """A relative name with forward slashes.

    Raises:
        InputError: the name is absolute, leads out of its folder, is empty or too long, or contains control
            characters.
    """
    remedy = "rename it"
    if any(not character.isprintable() for character in name):
        raise InputError("control characters in the name", ascii(name)[1:-1][:80], remedy)
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise InputError("the name leads out of its folder", name[:80], remedy)
    if not path.name or len(str(path)) > _MAX_NAME_LENGTH:
        raise InputError("the name is empty or too long", name[:80], remedy)
    return str(path)


def _members(upload: str, data: bytes, limits: Settings) -> Iterator[tuple[str, bytes] | Skipped]:
    if kind_of(data[:64]) is FileKind.ZIP:
        yield from _unzipped(upload, data, limits)
        return
    name = safe_name(upload)
    if _is_clutter(name):
        yield Skipped(name, "a hidden or system file", expected=True)
    else:
        yield name, read_bytes(data, name, limits)


def _unzipped(upload: str, data: bytes, limits: Settings) -> Iterator[tuple[str, bytes] | Skipped]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            _check_totals(len(members), sum(info.file_size for info in members), upload, limits)
            for info in members:
                yield _member(archive, info, limits)
    except InputError:
        raise
    except Exception as error:  # on a broken zip: BadZipFile, struct.error, UnicodeDecodeError …
        raise InputError("a broken zip", upload, "create the zip again") from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Settings) -> tuple[str, bytes] | Skipped:
    try:
        name = safe_name(info.orig_filename)
    except InputError as error:
        return Skipped(error.where, error.what)
    if _is_clutter(name):
        return Skipped(name, "a hidden or system file", expected=True)
    reason = _refusal(info, limits)
    if reason:
        return Skipped(name, reason)
    try:
        data = archive.read(info)
    except Exception as error:  # broken streams and checksums raise many types
        return Skipped(name, f"broken in the zip: {' '.join(str(error).split())[:120]}")
    if kind_of(data) is FileKind.ZIP:
        return Skipped(name, "a zip within a zip; unpack it first")
    return name, data


def _refusal(info: zipfile.ZipInfo, limits: Settings) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "encrypted; create the zip without a password"
    if info.compress_type not in _METHODS:
        return "an unusual compression method; create an ordinary zip"
    if info.file_size == 0:
        return "the file is empty"
    if info.file_size > limits.max_file_bytes:
        return f"larger than {limits.max_file_bytes / MEBI:g} MiB"
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _SMALL_MEMBER and ratio > limits.max_zip_ratio:
        return f"compressed {ratio:.0f} : 1; more than {limits.max_zip_ratio:g} : 1 is treated as a zip bomb"
    return ""


def _check_totals(count: int, size: int, where: str, limits: Settings) -> None:
    if count > limits.max_files:
        raise InputError(f"{count} files, at most {limits.max_files}", where, "upload fewer files")
    if size > limits.max_total_bytes:
        raise InputError(
            f"{size / MEBI:.0f} MiB unpacked, at most {limits.max_total_bytes / MEBI:g} MiB",
            where,
            "upload less at once or raise EXPLORER_MAX_TOTAL_BYTES",
        )


def _is_clutter(name: str) -> bool:
    return any(part in _CLUTTER or part.startswith(".") for part in PurePosixPath(name).parts)

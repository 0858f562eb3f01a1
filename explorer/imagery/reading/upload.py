"""Uploads and folders: files and zips under safe relative names. Zips are unpacked in memory, never to disk.

The size that a zip declares is checked before anything of it is unpacked, and no more than that is ever read. So a mask
that packs 1000 : 1 is taken, and a zip bomb does no harm.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from explorer.errors import InputError
from explorer.imagery.reading.formats import FileKind, kind_of, read_bytes
from explorer.imagery.reading.names import FileName, escaped, is_clean
from explorer.settings import MEBI, Settings, settings
from explorer.texts import LONGEST_FILE_NAME

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED, _IS_UTF8 = 0x1, 0x800
_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_MAY_BE_EMPTY = (".txt",)  # of an image without objects (YOLO)
_MAX_DIRECTORY = 64 * MEBI  # bytes of a zip's list of members
_CHUNK = MEBI
_HEAD = 64


@dataclass(frozen=True)
class Skipped:
    """A file of an upload that is not used."""

    name: str
    reason: str
    expected: bool = False  # True: a hidden or system file, skipped without a message


@dataclass(frozen=True)
class Unpacked:
    """The files of an upload, those in zips included."""

    files: Mapping[str, bytes | Path]  # by safe relative name
    skipped: tuple[Skipped, ...] = ()


_Member = tuple[str, bytes | Path] | Skipped


def unpack(
    uploads: Mapping[str, bytes | Path],
    limits: Settings | None = None,
    refused: Mapping[str, str] = MappingProxyType({}),
    watch: Callable[[str], None] = lambda _: None,
) -> Unpacked:
    """Opens the zips of an upload and checks all names and sizes.

    A file or zip that cannot be used is skipped with the reason; the others are kept. Where the name of a zip says
    whether it holds images or masks, training or validation, or where two zips hold different files of one name, the
    name of the zip becomes their folder.

    Args:
        uploads: content by name, as sent. A file on disk is not read unless it is a zip.
        limits: on counts and sizes; those of the installation if not given.
        refused: zips that must not be opened, with the reason.
        watch: is told the name of each zip before it is opened.

    Raises:
        InputError: too many files or bytes in total, or no file could be used.
    """
    limits = limits or settings()
    files: dict[str, bytes | Path] = {}
    skipped: list[Skipped] = []
    for upload, data in uploads.items():
        is_zip = _is_zip(data)
        if is_zip and upload in refused:
            skipped.append(Skipped(escaped(upload), refused[upload]))
            continue
        if is_zip:
            watch(upload)
        try:
            found = list(_members(upload, data, limits))
        except InputError as error:
            skipped.append(Skipped(escaped(upload), str(error)))
            continue
        named = [member for member in found if not isinstance(member, Skipped)]
        skipped += [member for member in found if isinstance(member, Skipped)]
        folder = _folder_of(upload) if is_zip else ""
        if folder and len(uploads) > 1 and (_says_what_it_holds(folder) or _collides(named, files)):
            named = [(_inside(folder, name), content) for name, content in named]
        for name, content in named:
            if name in files:
                skipped.append(Skipped(name, f"duplicate name; the copy in {escaped(upload)} is not used"))
            else:
                files[name] = content
        in_memory = sum(len(content) for content in files.values() if isinstance(content, bytes))
        _check_totals(len(files), in_memory, "upload", limits)
    if not files:
        reasons = [entry for entry in skipped if not entry.expected]
        if reasons:
            raise InputError(f"no file could be used: {reasons[0].reason}", reasons[0].name, "upload other files")
        raise InputError("no files", "upload", "choose images and their masks, or a zip of both")
    return Unpacked(files, tuple(skipped))


def files_in(source: Path, limits: Settings | None = None) -> Mapping[str, Path]:
    """The files of a folder and its subfolders by relative name, without hidden ones; or a single file or zip itself.

    Raises:
        InputError: there is no such file or folder, it cannot be read, or it holds no files or too many.
    """
    limits = limits or settings()
    try:
        if source.is_file():
            return {source.name: source}
        if not source.is_dir():
            raise InputError("no such file or folder", str(source), "check the path")
        files: dict[str, Path] = {}
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source).as_posix()
            if _is_clutter(name) or not path.is_file():
                continue
            files[name] = path
            if len(files) > limits.max_files:
                what = f"more than {limits.max_files} files"
                raise InputError(what, str(source), "use fewer files or raise EXPLORER_MAX_FILES")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(source), "check the path") from error
    if not files:
        raise InputError("contains no files", str(source), "check the path")
    return files


def safe_name(name: str) -> str:
    """A relative name with forward slashes.

    Raises:
        InputError: the name is absolute, leads out of its folder, is empty or too long, or contains control or
            invisible formatting characters. ``where`` is the name with these escaped.
    """
    shown, remedy = escaped(name[:80]), "rename it"
    if not is_clean(name):
        raise InputError("control or invisible characters in the name", shown, remedy)
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise InputError("the name leads out of its folder", shown, remedy)
    if not path.name.strip() or len(str(path)) > LONGEST_FILE_NAME:
        raise InputError("the name is empty or too long", shown, remedy)
    return str(path)


def _members(upload: str, data: bytes | Path, limits: Settings) -> Iterator[_Member]:
    if _is_zip(data):
        yield from _unzipped(upload, data, limits)
        return
    name = safe_name(upload)
    if _is_clutter(name):
        yield Skipped(name, "a hidden or system file", expected=True)
    elif isinstance(data, Path):
        _check_size(_size_of(data, name), name, limits)
        yield name, data
    else:
        yield name, data if not data and name.lower().endswith(_MAY_BE_EMPTY) else read_bytes(data, name, limits)


def _is_zip(data: bytes | Path) -> bool:
    if isinstance(data, bytes):
        return kind_of(data[:_HEAD]) is FileKind.ZIP
    try:
        with data.open("rb") as file:
            return kind_of(file.read(_HEAD)) is FileKind.ZIP
    except OSError:
        return False  # its size is asked for next, and says why


def _size_of(path: Path, name: str) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", name, "check the path") from error


def _check_size(size: int, name: str, limits: Settings) -> None:
    if size > limits.max_file_bytes:
        what = f"larger than {limits.max_file_bytes / MEBI:g} MiB"
        raise InputError(what, name, "cut it into tiles or raise EXPLORER_MAX_FILE_BYTES")
    if size == 0 and not name.lower().endswith(_MAY_BE_EMPTY):
        raise InputError("the file is empty", name, "save it again")


def _unzipped(upload: str, data: bytes | Path, limits: Settings) -> Iterator[_Member]:
    broken = InputError("a broken zip", escaped(upload), "create the zip again")
    try:
        with data.open("rb") if isinstance(data, Path) else io.BytesIO(data) as file:
            _check_directory(file, upload)
            with zipfile.ZipFile(file) as archive:
                members = [_checked(info, limits) for info in archive.infolist() if not info.is_dir()]
                wanted = [member for member in members if not isinstance(member, Skipped)]
                _check_totals(len(wanted), sum(info.file_size for _, info in wanted), escaped(upload), limits)
                for member in members:
                    yield member if isinstance(member, Skipped) else _read(archive, *member)
    except InputError:
        raise
    except Exception as error:  # on a broken zip: BadZipFile, struct.error, UnicodeDecodeError, OSError …
        raise broken from error


def _check_directory(file: io.IOBase, upload: str) -> None:
    """Refuses a zip whose list of members alone would fill the memory; zipfile reads all of that list at once."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 65_557))  # the record at the end, and the longest comment after it
    tail = file.read()
    start = tail.rfind(b"PK\x05\x06")
    declared = int.from_bytes(tail[start + 12 : start + 16], "little") if start >= 0 else 0
    if declared == 0xFFFFFFFF or b"PK\x06\x06" in tail[:start]:
        declared = size  # zip64 says it elsewhere
    if min(declared, size) > _MAX_DIRECTORY:
        raise InputError("too many files in the zip", escaped(upload), "upload fewer files")


def _checked(info: zipfile.ZipInfo, limits: Settings) -> tuple[str, zipfile.ZipInfo] | Skipped:
    try:
        name = safe_name(_member_name(info))
    except InputError as error:
        return Skipped(error.where, error.what)
    if _is_clutter(name):
        return Skipped(name, "a hidden or system file", expected=True)
    reason = _refusal(info, name, limits)
    return Skipped(name, reason) if reason else (name, info)


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: some software writes UTF-8 without saying so."""
    if info.flag_bits & _IS_UTF8:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _refusal(info: zipfile.ZipInfo, name: str, limits: Settings) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "encrypted; create the zip without a password"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link; put the file itself into the zip"
    if info.compress_type not in _METHODS:
        return "an unusual compression method; create an ordinary zip"
    if info.file_size == 0 and not name.lower().endswith(_MAY_BE_EMPTY):
        return "the file is empty"
    if info.file_size > limits.max_file_bytes:
        return f"larger than {limits.max_file_bytes / MEBI:g} MiB"
    return ""


def _read(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> tuple[str, bytes] | Skipped:
    chunks: list[bytes] = []
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK):  # in one go, zipfile would unpack more than the declared size
                chunks.append(chunk)
    except Exception as error:  # broken streams and checksums raise many types
        return Skipped(name, f"broken in the zip: {escaped(' '.join(str(error).split())[:120])}")
    data = b"".join(chunks)
    if len(data) != info.file_size:
        return Skipped(name, "broken in the zip: shorter than declared")
    if kind_of(data[:_HEAD]) is FileKind.ZIP:
        return Skipped(name, "a zip within a zip; unpack it first")
    return name, data


def _check_totals(count: int, size: int, where: str, limits: Settings) -> None:
    if count > limits.max_files:
        raise InputError(f"{count} files, at most {limits.max_files}", where, "upload fewer files")
    if size > limits.max_total_bytes:
        raise InputError(
            f"{size / MEBI:.0f} MiB unpacked, at most {limits.max_total_bytes / MEBI:g} MiB",
            where,
            "upload less at once or raise EXPLORER_MAX_TOTAL_BYTES",
        )


def _folder_of(upload: str) -> str:
    """The name of a zip as the name of a folder; empty if it cannot be one."""
    try:
        return PurePosixPath(safe_name(upload)).stem
    except InputError:
        return ""


def _says_what_it_holds(folder: str) -> bool:
    name = FileName(f"{folder}/file")
    return name.role is not None or name.split is not None


def _collides(members: list[tuple[str, bytes | Path]], files: Mapping[str, bytes | Path]) -> bool:
    return any(name in files and files[name] != content for name, content in members)


def _inside(folder: str, name: str) -> str:
    return name if PurePosixPath(name).parts[0] == folder else f"{folder}/{name}"


def _is_clutter(name: str) -> bool:
    return any(part.casefold() in _CLUTTER or part.startswith(".") for part in PurePosixPath(name).parts)

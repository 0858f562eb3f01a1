"""What visitors have uploaded and not used yet: files of a folder of the store, known by a secret token.

An upload outlives the page and the server. Its folder ``uploads/<token>/`` holds the files under names of this
program's, ``upload.json`` with the names that they came with, ``choices.json`` with what was chosen about them, and
``decoded/`` with what readers made of them (see ``explorer.runs.upload_reading``).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.files import NoRoomError, locked, write_atomically, writing
from explorer.imagery.choices import ReadingChoices
from explorer.settings import MEBI, Settings, settings
from explorer.texts import LONGEST_FILE_NAME, plain

Side = Literal["images", "masks"]
"""Where a file was put: with the images, which may bring their masks, or with the masks."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_LOCK_SECONDS = 30.0  # to wait for another page that adds files to the same upload
_CHOICES = "choices.json"
_DAY = 24 * 60 * 60


class KeptFile(BaseModel):
    """One uploaded file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Side
    name: str  # as it came, with its folders; a number is put before a name that another file of its side has
    content: str  # hash of the content, the name of the file on the disk
    size: int  # bytes


class _Contents(BaseModel):
    """What ``upload.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[KeptFile, ...] = ()  # in the order in which they came
    owner: str | None = None  # id of the visitor whose it is; None: of an earlier version


class Uploads:
    """All uploads of a store. Safe to use from several threads and servers.

    Args:
        root: folder of the store.
        limits: on counts, sizes and age; those of the installation if not given.
    """

    def __init__(self, root: Path, limits: Settings | None = None) -> None:
        self._root = root / "uploads"
        self.limits = limits or settings()

    def begin(self, owner: str | None = None) -> str:
        """The token of a new upload, which nobody can guess. Discards uploads that have become too old.

        Args:
            owner: id of the visitor whose it is, whom alone pages show it to; None: everybody's who has the token.
        """
        self.discard_old()
        token = secrets.token_urlsafe(16)
        with writing(self._root):
            (self._root / token).mkdir(parents=True)
            _write(self._root / token, _Contents(owner=owner))
        return token

    def is_of(self, token: str, visitor: str) -> bool:
        """Whether there is such an upload, and it is shown to this visitor.

        Raises:
            InputError: its list of files cannot be read.
        """
        return self.exists(token) and self._contents(self._root / token).owner in (None, visitor)

    def exists(self, token: str) -> bool:
        """Whether there is such an upload; false for anything that is no token."""
        return _TOKEN.fullmatch(token) is not None and (self._root / token).is_dir()

    def add(self, token: str, side: Side, files: Iterable[tuple[str, bytes]]) -> list[str | InputError]:
        """Keeps files, and gives for each the name that it is kept under, or why it is not kept.

        The same content under the same name is kept once. Another content under a name that is taken gets a number
        as its folder: ``2/north.tif``.

        Args:
            token: of the upload.
            side: where the files were put.
            files: name and content of each, as sent.

        Raises:
            InputError: there is no such upload.
        """
        folder = self._folder(token)
        outcomes: list[str | InputError] = []
        with _turn(folder):
            contents = self._contents(folder)
            kept = list(contents.files)
            for name, content in files:
                try:
                    outcomes.append(self._add(folder, kept, side, name, content))
                except InputError as problem:
                    outcomes.append(problem)
            _write(folder, contents.model_copy(update={"files": tuple(kept)}))
        return outcomes

    def _add(self, folder: Path, kept: list[KeptFile], side: Side, name: str, content: bytes) -> str:
        if len(name) > LONGEST_FILE_NAME:
            raise InputError(f"a name of {len(name):,} characters, at most {LONGEST_FILE_NAME}", name[:40], "rename it")
        name = plain(name, LONGEST_FILE_NAME)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        here = {file.name: file.content for file in kept if file.side == side}
        free, number = name, 1
        while free in here:
            if here[free] == digest:
                return free
            number += 1
            free = f"{number}/{name}"
        self._check(kept, side, name, len(content))
        try:
            if not (folder / digest).exists():
                write_atomically(folder / digest, content)
        except (OSError, NoRoomError) as error:
            why = error.what if isinstance(error, NoRoomError) else error.strerror
            raise InputError(f"cannot be kept ({why})", name, "try again, or tell who runs this") from None
        kept.append(KeptFile(side=side, name=free, content=digest, size=len(content)))
        return free

    def remove(self, token: str, side: Side, name: str) -> None:
        """Throws one file away; does nothing if it is not there.

        Raises:
            InputError: there is no such upload.
        """
        folder = self._folder(token)
        with _turn(folder):
            contents = self._contents(folder)
            rest = tuple(file for file in contents.files if (file.side, file.name) != (side, name))
            _write(folder, contents.model_copy(update={"files": rest}))
            for content in {file.content for file in contents.files} - {file.content for file in rest}:
                (folder / content).unlink(missing_ok=True)

    def files(self, token: str) -> tuple[KeptFile, ...]:
        """What has been uploaded, in the order in which it came.

        Raises:
            InputError: there is no such upload.
        """
        return self._contents(self._folder(token)).files

    def kept_files(self, token: str, side: Side) -> Mapping[str, Path]:
        """The files of one side, by the name that they came with.

        Raises:
            InputError: there is no such upload.
        """
        return {file.name: self._folder(token) / file.content for file in self.files(token) if file.side == side}

    def decoded(self, token: str) -> Path:
        """The folder for what readers make of an upload's files; it goes with the upload.

        Raises:
            InputError: there is no such upload.
        """
        return self._folder(token) / "decoded"

    def choices(self, token: str) -> ReadingChoices:
        """What has been chosen about how the files are read; nothing if there is no such upload."""
        if not self.exists(token):
            return ReadingChoices()
        try:
            return ReadingChoices.model_validate_json((self._root / token / _CHOICES).read_bytes())
        except (OSError, ValidationError):
            return ReadingChoices()

    def keep_choices(self, token: str, choices: ReadingChoices) -> None:
        """Keeps what was chosen; does nothing if there is no such upload, as after it was used."""
        if self.exists(token):
            write_atomically(self._root / token / _CHOICES, choices.model_dump_json(indent=1).encode())

    def owners(self) -> dict[str, str | None]:
        """Whose each upload is, by its token; those whose list cannot be read are left out."""
        found: dict[str, str | None] = {}
        for folder in self._root.glob("*"):
            with suppress(InputError):
                found[folder.name] = self._contents(folder).owner
        return found

    def changed(self, token: str) -> datetime:
        """When files were added to an upload or removed last, with time zone.

        Raises:
            InputError: there is no such upload.
        """
        return datetime.fromtimestamp(self._folder(token).stat().st_mtime, UTC)

    def discard(self, token: str) -> None:
        """Throws an upload away; does nothing if it is not there."""
        if self.exists(token):
            shutil.rmtree(self._root / token, ignore_errors=True)

    def discard_old(self) -> None:
        """Throws away the uploads that nobody has changed for ``upload_days``."""
        oldest = time.time() - self.limits.upload_days * _DAY
        for folder in self._root.glob("*"):
            try:
                if folder.stat().st_mtime < oldest:
                    self.discard(folder.name)
            except FileNotFoundError:  # another server was faster
                continue

    def _folder(self, token: str) -> Path:
        if not self.exists(token):
            raise InputError("there is no such upload", token[:22], "upload the files again")
        return self._root / token

    def _contents(self, folder: Path) -> _Contents:
        try:
            return _Contents.model_validate_json((folder / "upload.json").read_bytes())
        except FileNotFoundError:
            return _Contents()
        except (OSError, ValidationError):
            raise InputError("the list of its files cannot be read", "upload", "upload the files again") from None

    def _check(self, kept: Sequence[KeptFile], side: Side, name: str, size: int) -> None:
        largest, most, total = self.limits.max_file_bytes, self.limits.max_files, self.limits.max_total_bytes
        if size > largest:
            raise InputError(
                f"{size / MEBI:.0f} MiB, at most {largest // MEBI} MiB per file", name, "use a smaller file"
            )
        if sum(file.side == side for file in kept) >= most:
            raise InputError(f"more than {most} files", name, "discard some, or upload a zip")
        if sum({file.content: file.size for file in kept}.values()) + size > total:
            raise InputError(f"more than {total // MEBI} MiB in one upload", name, "discard other files first")


def _turn(folder: Path) -> AbstractContextManager[None]:
    """Waits for other pages that change the same upload."""
    return locked(folder / "lock", _LOCK_SECONDS, "another page changes this upload", "try again")


def _write(folder: Path, contents: _Contents) -> None:
    write_atomically(folder / "upload.json", contents.model_dump_json(indent=1).encode())

"""A new file in the folder of definitions: within it, on no other file's place, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from alerting_pipeline.domain.errors import AlertingError


def obstacle(folder: Path, path: str) -> str | None:
    """Why no new file can be at `path`, relative to the folder; None where one can.

    A name that differs only in case is taken: on a colleague's file system it is the same file.
    """
    top = folder.resolve()
    place = top
    parts = Path(path).parts
    if not parts or Path(path).is_absolute() or any(part in ("..", ".") for part in parts):
        return f"{path} would lie outside {folder.name}"
    for part in parts:
        try:
            beside = [each.name for each in place.iterdir()]
        except FileNotFoundError:
            return None  # its folder is new
        except OSError as error:
            return f"{place.relative_to(top.parent).as_posix()} can't be read ({error.strerror})"
        for name in beside:
            if name.casefold() == part.casefold() and name != part:
                return f"{(place / name).relative_to(top).as_posix()} differs from {path} only in case"
        place = place / part
        if place.is_symlink():
            return f"{place.relative_to(top).as_posix()} is a link, and could lead anywhere"
    return f"{path} is there already" if os.path.lexists(place) else None


def write_new(folder: Path, path: str, text: str) -> Path:
    """Write it; returns where it is. Raises AlertingError, and leaves nothing behind then."""
    if (why := obstacle(folder, path)) is not None:
        raise AlertingError(f"{path} can't be written: {why}; choose another name.")
    target = folder / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                remove_new(folder, path)
                raise
    except FileExistsError:
        raise AlertingError(f"{path} can't be written: somebody else just wrote it; look at it first.") from None
    except OSError as error:
        raise AlertingError(f"{path} can't be written ({error.strerror}); nothing was changed.") from None
    return target


def remove_new(folder: Path, path: str) -> None:
    """Take back what `write_new` wrote, with the folders that it made."""
    target = folder / path
    target.unlink(missing_ok=True)
    for parent in target.relative_to(folder).parents[:-1]:
        try:
            (folder / parent).rmdir()
        except OSError:
            return  # other files are in it

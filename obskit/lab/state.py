"""The lab's state file: what `status`, `inject`, `record` and `down` know of a lab that runs."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from obskit.errors import SourceError, UsageError
from obskit.lab.settings import LabSettings
from obskit.lab.watchers import write_whole

FILE: Final = "state.json"
#: Below the lab's folder.
SOCKET: Final = "control/s"
EVENTS: Final = "events.jsonl"
LINES: Final = "logs.jsonl"
LOG: Final = "lab.log"
SECRET: Final = "control/database.json"  # noqa: S105 - where one is, not what it is
_FORMAT: Final = 1
#: A Unix socket's path has room for 107 bytes.
_LONGEST: Final = 90

Stage = Literal["starting", "ready", "stopping", "failed"]


@dataclass(slots=True, kw_only=True)
class State:
    """What is written.

    Attributes:
        stage: How far it has come; ``failed`` with `why`.
        keeper, supervisor: Their process ids; 0 while unknown.
        began: When it was started, seconds since 1970.
        ready: When it could be used; 0 while it cannot.
        ports: What listens where on loopback.
        programs: Debian's programs and their process ids.
    """

    stage: Stage = "starting"
    why: str = ""
    keeper: int = 0
    supervisor: int = 0
    began: float = 0.0
    ready: float = 0.0
    settings: LabSettings = field(default_factory=LabSettings)
    ports: dict[str, int] = field(default_factory=dict)
    programs: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it in one step for its readers."""
        write_whole(folder / FILE, json.dumps({"format": _FORMAT, **asdict(self)}, indent=1))


def read(folder: Path) -> State:
    """Return the state of the lab in a folder.

    Raises:
        UsageError: There is none.
        SourceError: The file is damaged.
    """
    path = folder / FILE
    try:
        held: dict[str, Any] = json.loads(path.read_bytes())
        if held.pop("format") != _FORMAT:
            raise ValueError("of another obskit")
        return State(**{**held, "settings": LabSettings.from_dict(held["settings"])})
    except FileNotFoundError as error:
        raise UsageError("no lab is running here", where={"folder": str(folder)}, hint="obskit lab up") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{path} cannot be read", where={"said": str(error)}, hint="remove the folder when nothing runs in it"
        ) from error


def default_folder() -> Path:
    """Return where a lab is unless somebody says otherwise: one a user."""
    return Path(tempfile.gettempdir()) / f"obskit-lab-{os.getuid()}"


def claim(folder: Path) -> None:
    """Make a lab's folder, ours alone; what an older lab that runs no more left in it is removed.

    Raises:
        UsageError: It is not ours, holds something else, a lab runs in it, or its name is too long.
    """
    if len(str(folder.resolve())) > _LONGEST:
        raise UsageError(f"{folder} is too long a name", hint="a socket must fit into it: choose a shorter one")
    try:
        folder.mkdir(mode=0o711, parents=True)
        return
    except FileExistsError:
        pass
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}", hint="name another: --folder") from error
    if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
        raise UsageError(f"{folder} is not ours", hint="name another: --folder")
    if (folder / FILE).exists():
        state = read(folder)
        if any(map(is_running, (state.keeper, state.supervisor))):
            raise UsageError("a lab is running already", where={"folder": str(folder)}, hint="obskit lab down")
        clear(folder)
    elif any(folder.iterdir()):
        raise UsageError(f"{folder} holds something else", hint="name a folder that is empty or not there yet")
    folder.mkdir(mode=0o711, exist_ok=True)


def clear(folder: Path) -> None:
    """Remove a lab's folder."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def is_running(process: int) -> bool:
    """Tell whether a process is one of a lab: ids are used again by others."""
    if process <= 0:
        return False
    try:
        return b"obskit.lab" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False

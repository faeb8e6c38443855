"""Settings from ``wstape.toml`` or ``[tool.wstape]`` in ``pyproject.toml``: defaults for the options of commands.

A table a command, a key an option: ``[tool.wstape.replay]`` ``target = "ws://127.0.0.1:8000"``. Flags win over the
environment (``WSTAPE_REPLAY_TARGET``), the environment over files.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast


def load_settings(folder: Path | None = None) -> dict[str, object]:
    """Return the settings that hold in a folder (default: the current one), by command.

    The nearest folder upwards that has either file decides; ``wstape.toml`` goes first. Raises FileError when the file
    is not TOML.
    """
    here = (folder or Path.cwd()).absolute()
    for place in (here, *here.parents):
        own, project = place / "wstape.toml", place / "pyproject.toml"
        if own.is_file():
            return _dashes(_load(own))
        if project.is_file():
            tool = _load(project).get("tool")
            table = cast("dict[str, object]", tool).get("wstape") if isinstance(tool, dict) else None
            return _dashes(cast("dict[str, object]", table)) if isinstance(table, dict) else {}
    return {}


def _load(path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Imported only here: every command passes this way, --help too.
        from ..cassettes import FileError

        if isinstance(error, OSError):
            raise FileError.from_os_error(path, error) from error
        raise FileError(path, f"not TOML ({error})", "mend it; wstape reads its settings there") from error


def _dashes(table: dict[str, object]) -> dict[str, object]:
    """click looks parameters up by their Python names."""
    return {
        key: {name.replace("-", "_"): value for name, value in cast("dict[str, object]", options).items()}
        if isinstance(options, dict)
        else options
        for key, options in table.items()
    }

"""Where files outside a run folder lie: the user's cache, and the bundled names."""

import os
from pathlib import Path

from wavenet_jax.errors import InputError


def cache_dir() -> Path:
    """Return the folder of the package's cache; raise `InputError` without a home folder."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if configured.is_absolute():  # the XDG specification: an empty or relative path is ignored
        return configured / "wavenet_jax"
    try:
        return Path.home() / ".cache" / "wavenet_jax"
    except RuntimeError as error:
        raise InputError(
            "the home folder is unknown, expected it in HOME; set HOME or XDG_CACHE_HOME."
        ) from error


def bundled_names() -> Path:
    """Return the path of the names that come with the package."""
    package = Path(__file__).parent
    # A wheel carries the list inside the package; a checkout has it in data/ beside the package.
    inside = package / "names.txt"
    return inside if inside.exists() else package.parent / "data" / "names.txt"

"""A file by which a run controls its nodes while they run."""

import json
import time
from pathlib import Path
from typing import Any

LOOK_SECONDS = 0.05  # between two looks of a node at the file


class Controls:
    """Values by name. The run writes them, and its nodes read them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._values: dict[str, Any] = {}
        self._looked_at = 0.0  # monotonic

    def set(self, name: str, value: object) -> None:
        """Change a value; None: take it away."""
        values = {**self._values, name: value}
        self._values = {each: found for each, found in values.items() if found is not None}
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps(self._values))
        draft.replace(self.file)  # never seen half written

    def get(self, name: str) -> Any:
        """Return a value, as of a moment ago."""
        now = time.monotonic()
        if now - self._looked_at > LOOK_SECONDS:
            self._looked_at = now
            self._values = json.loads(self.file.read_text()) if self.file.exists() else {}
        return self._values.get(name)

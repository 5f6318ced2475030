"""How values are written to Redis: signed JSON, never pickle.

Loading a pickle can run any code, so anyone who can write to Redis could run code in every node
(ASVS 5.5.3). A value without our signature counts as missing.
"""

import json
from typing import Any

from realtime.core import signed_data


class SignedJson:
    """The ``serializer`` of Django's cache for Redis."""

    def dumps(self, value: Any) -> int | bytes:
        """Return what is stored. Whole numbers stay as they are, because Redis counts with them."""
        # Not a bool, which is an int too.
        if type(value) is int:
            return value
        return signed_data.sign("cache", json.dumps(value, separators=(",", ":")).encode())

    def loads(self, stored: bytes) -> Any:
        """Return the value, or None if it is not one of ours."""
        data = signed_data.verified("cache", stored)
        if data is not None:
            return json.loads(data)
        try:
            return int(stored)
        except ValueError:
            return None

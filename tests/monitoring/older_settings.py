"""Settings of a node that says it is of an older version."""

import holdfast.version

holdfast.version.__version__ = "0.0.1"

from tests.support.node_settings import *  # noqa: E402, F403

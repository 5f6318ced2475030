"""The settings of Holdfast: ``HOLDFAST = {"HEAD_CHECK_SECONDS": 5}`` in a project's settings.

A key is the name of a setting without ``HOLDFAST_``. A setting of the whole name works as well, and
so does an environment variable; without any of them it has the default of docs/operations.md. All
are attributes of ``django.conf.settings`` once ``realtime`` is loaded.
"""

from realtime.site.defaults import apply as apply

__all__ = ["apply"]

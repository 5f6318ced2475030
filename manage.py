#!/usr/bin/env python
"""The command line of Holdfast: `manage.py help` lists the commands."""

import os
import platform
import sys

from holdfast.version import __version__


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
    try:
        import django
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        sys.exit(
            f"{error}: Django is not installed for {sys.executable}. "
            "Run `make install`, then use .venv/bin/python manage.py."
        )
    # Here, because Django prints its own version before it looks for commands of apps. It needs no
    # valid settings, so that a report about rejected settings can name the version.
    if sys.argv[1:] in (["version"], ["--version"]):
        python = platform.python_version()
        print(f"Holdfast {__version__} (Django {django.get_version()}, Python {python})")  # noqa: T201
        return
    try:
        # Reads the environment: a bad value is reported in one sentence, without a traceback.
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

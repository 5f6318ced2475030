"""Create accounts and print them as JSON: ``python -m tests.support.people alice bob``."""

import json
import sys

import django


def main(names: list[str]) -> None:
    """Make one account with a token for each name."""
    django.setup()
    from django.contrib.auth.models import User

    from realtime.auth import issue_token
    from tests.support.cluster import PASSWORD

    users = [
        User.objects.create_user(
            name, f"{name}@example.org", PASSWORD, first_name=name.capitalize()
        )
        for name in names
    ]
    found = [
        {"id": user.pk, "username": user.username, "token": issue_token(user)} for user in users
    ]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])

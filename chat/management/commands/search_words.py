"""``manage.py search_words``: make the words of the search for messages that older nodes stored."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.policies import MAX_ID
from chat.services.messages import search_index
from realtime.core.limits import long_statements


class Command(BaseCommand):
    help = (
        "Make the words of the search for messages that nodes of an older release stored, in "
        "batches, from the newest one back. It can be interrupted, repeated, and run while people "
        "post."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--before",
            type=int,
            metavar="ID",
            help="continue with the messages before this id, which the last run printed",
        )

    def handle(self, *_args: Any, before: int | None, **_options: Any) -> None:
        if before is not None and not 1 <= before <= MAX_ID:
            raise CommandError(f"--before is {before}: expected a number from 1 to {MAX_ID}.")
        looked_at = changed = 0
        with long_statements():
            for batch in search_index.make_words_again(before_id=before):
                looked_at += batch.looked_at
                changed += batch.changed
                self.stdout.write(
                    f"{looked_at} messages read, {changed} changed; "
                    f"to continue from here: --before {batch.oldest}"
                )
        self.stdout.write(f"Done: {looked_at} messages read, {changed} changed.")

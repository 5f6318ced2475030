"""``manage.py evidence_verify FILE``: check that an archive is as this site wrote it."""

import hashlib
import zipfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.models import ModerationLog
from chat.moderation import archives, signatures


class Command(BaseCommand):
    help = (
        "Verify an archive of evidence, of a room or of personal data: the checksum of each file, "
        "the signature of the site, and the entry in the moderation log. Without FILE, print the "
        "public key of the site."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, nargs="?")
        parser.add_argument(
            "--key",
            metavar="PEM",
            type=Path,
            help="a file with the public key of the site that wrote FILE; its log is not read",
        )

    def handle(self, *_args: Any, file: Path | None, key: Path | None, **_options: Any) -> None:
        if file is None:
            self.stdout.write(signatures.public_key().decode(), ending="")
            return
        try:
            with zipfile.ZipFile(file) as archive:
                manifest = archives.read_manifest(archive)
                self.stdout.write("checksums: every file is as it was written")
                signature = archive.read(archives.SIGNATURE)
            pem = key.read_bytes() if key is not None else None
            is_signed = signatures.is_signed(manifest, signature, pem=pem)
        except KeyError as error:
            raise CommandError(f"FILE: {file} is not signed.") from error
        except (archives.UnreadableArchive, zipfile.BadZipFile) as error:
            raise CommandError(f"FILE: {file} is not as it was written: {error}.") from error
        except ValueError as error:
            raise CommandError(f"--key: {key} has no public key: {error}.") from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read: {error.strerror}.") from error
        if not is_signed:
            raise CommandError(
                f"FILE: {file} was not signed with this key. If SECRET_KEY was changed since, "
                "add the earlier one to SECRET_KEY_FALLBACKS, or pass its public key with --key."
            )
        self.stdout.write("signature: of " + ("the key in --key" if key else "this site"))
        if key is None:
            self._find_entry(file, hashlib.sha256(manifest).hexdigest())

    def _find_entry(self, file: Path, checksum: str) -> None:
        entries = ModerationLog.objects.filter(action=ModerationLog.Action.EXPORT)
        entry = entries.filter(details__manifest=checksum).select_related("actor").first()
        if entry is None:
            raise CommandError(f"FILE: {file} is in no entry of the moderation log.")
        self.stdout.write(
            f"moderation log: entry {entry.pk}, {entry.created_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"by {entry.actor.username}"
        )

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import realtime.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Epoch",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(default=realtime.models.new_epoch, max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("connections", models.PositiveIntegerField()),
                ("waiting", models.PositiveIntegerField()),
                ("subscriptions", models.PositiveIntegerField()),
                ("behind", models.PositiveIntegerField()),
                ("streams", models.PositiveIntegerField()),
                ("delivered_rate", models.FloatField()),
                ("command_rate", models.FloatField()),
                ("handshake_rate", models.FloatField()),
                ("degraded", models.BooleanField()),
                ("draining", models.BooleanField()),
            ],
            options={
                "verbose_name": "node",
                "verbose_name_plural": "nodes",
            },
        ),
        migrations.CreateModel(
            name="ReaderLanguage",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("language", models.CharField(max_length=16)),
            ],
        ),
        migrations.CreateModel(
            name="Stream",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("head", models.BigIntegerField(default=0)),
                ("floor", models.BigIntegerField(default=0)),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "realtime_stream",
            },
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("auth_hash", models.CharField(max_length=128)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="issued")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_tokens",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "access token",
                "verbose_name_plural": "access tokens",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Revocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.BigIntegerField()),
                ("credential", models.CharField(blank=True, max_length=80)),
                ("code", models.PositiveSmallIntegerField()),
                ("reason", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "seq"), name="revocation_user_seq")
                ],
            },
        ),
    ]

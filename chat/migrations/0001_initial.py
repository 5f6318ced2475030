import django.contrib.auth.models
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from chat.migrations import _append_only_log, _search_index


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FilterVersion",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("stamp", models.CharField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField(verbose_name="number")),
                ("seq", models.BigIntegerField()),
                ("key", models.UUIDField()),
                ("body", models.TextField(blank=True)),
                ("html", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(verbose_name="sent")),
                ("edited_at", models.DateTimeField(blank=True, null=True, verbose_name="edited")),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted")),
                ("hidden_at", models.DateTimeField(blank=True, null=True)),
                ("reactions", models.JSONField(default=dict)),
                ("mentions", models.JSONField(default=list)),
                ("notified", models.JSONField(default=list)),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reply_to",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="chat.message",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[],
            options={
                "verbose_name": "person",
                "verbose_name_plural": "people",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("auth.user",),
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Room",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True, verbose_name="address")),
                ("name", models.CharField(blank=True, max_length=80, verbose_name="name")),
                ("topic", models.CharField(blank=True, max_length=250, verbose_name="topic")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("public", "Public"),
                            ("private", "Private"),
                            ("direct", "Direct"),
                        ],
                        default="public",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("seq", models.BigIntegerField(default=0)),
                ("last_number", models.BigIntegerField(default=0)),
                ("shown_last_number", models.BigIntegerField(default=0)),
                ("slow_mode", models.PositiveIntegerField(default=0)),
                ("read_only", models.BooleanField(default=False)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "direct_key",
                    models.CharField(editable=False, max_length=41, null=True, unique=True),
                ),
                ("member_count", models.PositiveIntegerField(default=0)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "room",
                "verbose_name_plural": "rooms",
            },
        ),
        migrations.CreateModel(
            name="ModerationLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("delete", "Message removed"),
                            ("restore", "Message restored"),
                            ("hide", "Message hidden"),
                            ("show", "Message shown again"),
                            ("resolve", "Report resolved: message removed"),
                            ("dismiss", "Report dismissed: message kept"),
                            ("bulk", "Bulk action"),
                            ("mute", "Muted in a room"),
                            ("unmute", "Unmuted in a room"),
                            ("site_mute", "Muted in all rooms"),
                            ("site_unmute", "Unmuted in all rooms"),
                            ("remove", "Removed from a room"),
                            ("ban", "Banned from a room"),
                            ("unban", "Unbanned from a room"),
                            ("site_ban", "Banned from the site"),
                            ("site_unban", "Unbanned from the site"),
                            ("sign_out", "Signed out everywhere"),
                            ("deactivate", "Account deactivated"),
                            ("activate", "Account activated"),
                            ("role", "Role changed"),
                            ("rename", "Renamed"),
                            ("topic", "Topic changed"),
                            ("slow_mode", "Slow mode changed"),
                            ("lock", "Room locked"),
                            ("unlock", "Room unlocked"),
                            ("archive", "Room archived"),
                            ("unarchive", "Room unarchived"),
                            ("link", "Invitation link created"),
                            ("revoke_link", "Invitation link revoked"),
                            ("filter", "Filters changed"),
                            ("export", "Data exported"),
                            ("erase", "Person erased"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("details", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="when")),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="chat.message",
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "verbose_name": "log entry",
                "verbose_name_plural": "moderation log",
            },
        ),
        migrations.AddField(
            model_name="message",
            name="room",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="chat.room",
            ),
        ),
        migrations.CreateModel(
            name="Mention",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField()),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="chat.room",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.BigIntegerField()),
                ("inbox_seq", models.BigIntegerField()),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("moderator", "Moderator"),
                            ("member", "Member"),
                        ],
                        default="member",
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("left", "Left"),
                            ("removed", "Removed"),
                            ("banned", "Banned"),
                        ],
                        default="active",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "involvement",
                    models.CharField(
                        choices=[
                            ("everything", "Everything"),
                            ("mentions", "Mentions"),
                            ("nothing", "Nothing"),
                        ],
                        default="mentions",
                        max_length=10,
                        verbose_name="notification level",
                    ),
                ),
                ("read_number", models.BigIntegerField(default=0, verbose_name="read up to")),
                ("shown_read_number", models.BigIntegerField(default=0)),
                (
                    "muted_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="muted until"),
                ),
                (
                    "banned_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="banned until"),
                ),
                (
                    "last_posted_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last posted"),
                ),
                ("joined_at", models.DateTimeField(verbose_name="joined")),
                ("favourite", models.BooleanField(db_default=False, default=False)),
                ("favourite_order", models.FloatField(db_default=0, default=0)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "verbose_name": "membership",
                "verbose_name_plural": "memberships",
            },
        ),
        migrations.CreateModel(
            name="InviteLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("max_uses", models.PositiveIntegerField()),
                ("uses", models.PositiveIntegerField(default=0)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invite_links",
                        to="chat.room",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Filter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("word", "word or phrase"), ("pattern", "pattern")],
                        default="word",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[("flag", "flag"), ("mask", "mask"), ("block", "block")],
                        default="block",
                        max_length=10,
                        verbose_name="action",
                    ),
                ),
                ("is_on", models.BooleanField(default=False, verbose_name="on")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "verbose_name": "filter",
                "verbose_name_plural": "filters",
            },
        ),
        migrations.CreateModel(
            name="Bulk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("delete", "Remove messages"),
                            ("restore", "Restore messages"),
                            ("erase", "Erase a person"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("words", models.CharField(blank=True, max_length=200, verbose_name="words")),
                ("since", models.DateTimeField(null=True)),
                ("until", models.DateTimeField(null=True)),
                ("last_id", models.BigIntegerField(default=0)),
                ("cursor", models.BigIntegerField(default=0)),
                ("expected", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="chat.bulk",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk action",
                "verbose_name_plural": "bulk actions",
            },
        ),
        migrations.CreateModel(
            name="SiteBan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="when")),
                ("until", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("lifted_at", models.DateTimeField(blank=True, null=True, verbose_name="lifted")),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="site_bans",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "site ban",
                "verbose_name_plural": "site bans",
            },
        ),
        migrations.CreateModel(
            name="SiteMute",
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
                ("seq", models.BigIntegerField()),
                ("until", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(auto_now=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.BigIntegerField()),
                ("blocked_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "blocked",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=["user", "id"],
                        name="block_current",
                    ),
                    models.Index(fields=["blocked", "id"], name="block_blocked"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "blocked"), name="block_user_blocked"),
                    models.UniqueConstraint(fields=("user", "seq"), name="block_user_seq"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HeldText",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="held_text",
                        serialize=False,
                        to="chat.message",
                    ),
                ),
                ("body", models.TextField()),
                ("html", models.TextField(blank=True)),
                ("reactions", models.JSONField(default=dict)),
                ("mentions", models.JSONField(default=list)),
                (
                    "hidden_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RemovedText",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="removed_text",
                        serialize=False,
                        to="chat.message",
                    ),
                ),
                ("body", models.TextField()),
                ("reactions", models.JSONField(default=dict)),
                ("removed_at", models.DateTimeField(verbose_name="removed")),
                (
                    "bulk",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="chat.bulk",
                    ),
                ),
                (
                    "removed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "removed text",
                "verbose_name_plural": "removed texts",
            },
        ),
        migrations.CreateModel(
            name="Renaming",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("step", models.PositiveSmallIntegerField(default=0)),
                ("after", models.BigIntegerField(default=0)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=["id"],
                        name="renaming_unfinished",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("spam", "Spam"),
                            ("abuse", "Abuse"),
                            ("illegal", "Illegal"),
                            ("other", "Other"),
                        ],
                        max_length=10,
                        verbose_name="category",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=1000, verbose_name="note")),
                ("created_at", models.DateTimeField(verbose_name="when")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("resolved", "removed"), ("dismissed", "kept")],
                        default="open",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed")),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reports",
                        to="chat.message",
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "report",
                "verbose_name_plural": "reports",
                "indexes": [
                    models.Index(fields=["status", "id"], name="report_status"),
                    models.Index(fields=["status", "category", "id"], name="report_category"),
                    models.Index(
                        condition=models.Q(("status", "open")),
                        fields=["assigned_to", "id"],
                        name="report_assigned",
                    ),
                    models.Index(fields=["reporter", "id"], name="report_reporter"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("message", "reporter"), name="report_message_reporter"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(
                condition=models.Q(("archived_at__isnull", True), ("kind", "public")),
                fields=["name", "id"],
                name="room_directory",
            ),
        ),
        migrations.AddIndex(
            model_name="moderationlog",
            index=models.Index(fields=["action", "id"], name="log_action"),
        ),
        migrations.AddIndex(
            model_name="moderationlog",
            index=models.Index(fields=["created_at"], name="log_created"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["author", "id"], name="message_author"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("room", "number"), name="message_room_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("room", "seq"), name="message_room_seq"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("author", "key"), name="message_author_key"),
        ),
        migrations.AddIndex(
            model_name="mention",
            index=models.Index(fields=["room", "number"], name="mention_message"),
        ),
        migrations.AddConstraint(
            model_name="mention",
            constraint=models.UniqueConstraint(
                fields=("user", "room", "number"), name="mention_user_room_number"
            ),
        ),
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["room", "user"],
                name="membership_members",
            ),
        ),
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(
                condition=models.Q(("involvement", "everything"), ("state", "active")),
                fields=["room"],
                name="membership_everything",
            ),
        ),
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(
                condition=models.Q(
                    ("state", "active"), models.Q(("role", "member"), _negated=True)
                ),
                fields=["room", "role"],
                name="membership_staff",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("room", "user"), name="membership_room_user"
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("room", "seq"), name="membership_room_seq"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("user", "inbox_seq"), name="membership_user_seq"
            ),
        ),
        migrations.AddIndex(
            model_name="invitelink",
            index=models.Index(fields=["room", "id"], name="invite_link_room"),
        ),
        migrations.AddIndex(
            model_name="filter",
            index=models.Index(fields=["is_on", "id"], name="filter_on"),
        ),
        migrations.AddIndex(
            model_name="bulk",
            index=models.Index(
                condition=models.Q(("finished_at", None)), fields=["id"], name="bulk_unfinished"
            ),
        ),
        migrations.AddConstraint(
            model_name="siteban",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)),
                fields=("user",),
                name="site_ban_current",
            ),
        ),
        migrations.AddIndex(
            model_name="removedtext",
            index=models.Index(
                condition=models.Q(("bulk__isnull", False)),
                fields=["bulk", "message"],
                name="removed_text_bulk",
            ),
        ),
        # Added by hand: they survive a new makemigrations only if they are copied over.
        migrations.RunPython(_append_only_log.lock, _append_only_log.unlock),
        migrations.RunPython(_search_index.create, _search_index.drop),
    ]

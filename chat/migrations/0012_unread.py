from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0011_held_places"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["author", "room", "number"], name="message_own"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at__isnull", False), ("hidden_at__isnull", False), _connector="OR"
                ),
                fields=["room", "number"],
                name="message_gone",
            ),
        ),
    ]

from typing import Any

from django.db import migrations, models


class Lengthen(migrations.AlterField):
    """A longer text. SQLite knows no length, and would make the table anew for it."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("chat", "0013_search_words")]

    operations = [
        Lengthen(
            model_name="room",
            name="direct_key",
            field=models.CharField(editable=False, max_length=200, null=True, unique=True),
        ),
    ]

"""Search finds texts in every script and form (docs/decisions, "search words")."""

from django.db import migrations, models

from chat.migrations import _search_words


class Migration(migrations.Migration):
    # Indexes are made without a lock, and stored messages are changed in short transactions.
    atomic = False

    dependencies = [("chat", "0012_unread")]

    operations = [
        migrations.AddField("message", "search_text", models.TextField(editable=False, null=True)),
        migrations.RunPython(_search_words.guard, _search_words.unguard),
        migrations.RunPython(_search_words.fill, _search_words.empty),
        migrations.RunPython(_search_words.replace_index, _search_words.restore_index),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0005_edits")]

    operations = [
        migrations.AlterField(
            model_name="broadcast",
            name="edit_after",
            field=models.CharField(blank=True, max_length=40, null=True),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("realtime", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="epoch",
            name="number",
            field=models.PositiveBigIntegerField(db_default=1),
        ),
        migrations.AddField(
            model_name="epoch",
            name="system",
            field=models.CharField(blank=True, db_default="", max_length=32),
        ),
        migrations.AddField(
            model_name="epoch",
            name="timeline",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="node",
            name="reports",
            field=models.PositiveBigIntegerField(db_default=0),
        ),
    ]

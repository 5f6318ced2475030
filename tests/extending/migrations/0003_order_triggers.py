from django.db import migrations

from holdfast import AddStreamTrigger


class Migration(migrations.Migration):
    dependencies = [("realtime", "0006_sealing"), ("orders", "0002_stream_rows")]

    operations = [
        AddStreamTrigger("Order", prefix="orders", field="buyer", kind="order"),
    ]

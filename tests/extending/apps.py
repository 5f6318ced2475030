from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "tests.extending"
    label = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from holdfast import register_stream
        from tests.extending.models import ORDERS

        register_stream(ORDERS)

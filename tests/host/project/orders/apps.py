from django.apps import AppConfig

from holdfast import register_stream


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from orders.models import ORDERS

        register_stream(ORDERS)

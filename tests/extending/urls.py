from django.contrib import admin
from django.urls import path

from tests.extending import orders
from tests.extending.models import Order

site = admin.AdminSite("orders")
site.register(Order)

urlpatterns = [path("orders/<int:order_id>/pack/", orders.pack), path("admin/", site.urls)]

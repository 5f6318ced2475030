"""The admin of inboxes, announcements and broadcasts. Changes go through the services."""

from notifications.admin import broadcasts as broadcasts
from notifications.admin.lists import BoundedPaginator as BoundedPaginator

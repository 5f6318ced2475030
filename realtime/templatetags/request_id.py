"""The id of the request, for a page that its reader may have to quote."""

from django import template

from realtime.core.monitoring import request_ids

register = template.Library()

register.simple_tag(request_ids.shown, name="request_id")

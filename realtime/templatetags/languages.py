"""What pages need to speak the reader's language."""

from django import template

from realtime.languages import catalogue_url
from realtime.zones import spoken

register = template.Library()

register.simple_tag(catalogue_url)
register.filter("spoken", spoken)

"""Template tags for the reader's language."""

from django import template

from realtime.site.languages import catalogue_url
from realtime.site.time_zones import spoken

register = template.Library()

register.simple_tag(catalogue_url)
register.filter("spoken", spoken)

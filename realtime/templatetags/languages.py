"""What pages need for scripts to speak the reader's language."""

from django import template

from realtime.languages import catalogue_url

register = template.Library()

register.simple_tag(catalogue_url)

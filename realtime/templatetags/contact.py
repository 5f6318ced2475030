"""The address of the people who run the site, for pages that tell their readers to ask them."""

from typing import TypedDict

from django import template
from django.conf import settings

register = template.Library()


class Contact(TypedDict):
    """An address as text, and the URL that it leads to; both are empty where none is set."""

    text: str
    url: str


@register.simple_tag
def contact() -> Contact:
    """Return ``HOLDFAST_CONTACT``. A text that is neither an address nor a URL has no link."""
    text: str = settings.HOLDFAST_CONTACT
    if text.startswith(("https://", "http://")):
        return {"text": text, "url": text}
    is_address = "@" in text and not any(character.isspace() for character in text)
    return {"text": text, "url": f"mailto:{text}" if is_address else ""}

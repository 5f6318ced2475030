"""Scripts and stylesheets of pages, from the bundle or from the sources (``site/bundle.py``)."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from realtime.site import bundle

register = template.Library()


@register.simple_tag
def stylesheet(name: str) -> SafeString:
    """Link a stylesheet that consists of ``@import url("…");`` only."""
    return format_html_join(
        "\n", '<link rel="stylesheet" href="{}">', ((url,) for url in bundle.stylesheets(name))
    )


@register.simple_tag
def module(name: str, apart: bool = False) -> SafeString:
    """Load a script, and announce what it imports: else browsers discover it file by file.

    ``apart`` declares that no other module is on the page, so it shares no file with others.
    """
    announced = format_html_join(
        "\n", '<link rel="modulepreload" href="{}">', ((url,) for url in bundle.imports(name))
    )
    return format_html('{}<script type="module" src="{}"></script>', announced, bundle.url(name))


@register.simple_tag
def bundled(name: str, apart: bool = False) -> str:
    """Return the address of a file that a script or a stylesheet asks for, such as a worker."""
    return bundle.url(name)

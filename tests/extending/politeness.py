"""A pre-publish hook: another app checks each message before it is published."""

from chat.text.hooks import Change, Draft, Flag, Reject, Verdict, register_hook

SHOUT_LENGTH = 20  # characters, all in capitals


def look(draft: Draft) -> Verdict:
    """Reject advertising, put shouting into lower case, flag addresses, accept the rest."""
    if "casino" in draft.body.lower():
        return Reject("Advertising for casinos is not wanted here.")
    if len(draft.body) >= SHOUT_LENGTH and draft.body.isupper():
        return Change(draft.body.capitalize())
    return Flag("an address") if "@" in draft.body and ".example" in draft.body else None


def register() -> None:
    """Call this from ``AppConfig.ready``."""
    register_hook("politeness", look, seconds=0.2, on_failure="open")

"""A pre-publish hook: another app looks at each message before anybody sees it."""

from chat.text.hooks import Change, Draft, Flag, Reject, Verdict, register_hook

SHOUT_LENGTH = 20  # letters, all of them large


def look(draft: Draft) -> Verdict:
    """Reject advertising, quieten who shouts, flag what a moderator should see, accept the rest."""
    if "casino" in draft.body.lower():
        return Reject("Advertising for casinos is not wanted here.")
    if len(draft.body) >= SHOUT_LENGTH and draft.body.isupper():
        return Change(draft.body.capitalize())
    return Flag("an address") if "@" in draft.body and ".example" in draft.body else None


def register() -> None:
    """To be called from ``AppConfig.ready``."""
    register_hook("politeness", look, seconds=0.2, on_failure="open")

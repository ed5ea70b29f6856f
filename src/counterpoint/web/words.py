"""How a state looks: the tone and the icon of the words that rooms use for states and verdicts."""

__all__ = ["TOLD", "TONES", "action_icon", "action_words", "kind_words", "tone_of"]

TONES: dict[str, tuple[str, str]] = {
    # verdicts of experiments and decisions on bets
    "ship": ("good", "check"),
    "shipped": ("good", "check"),
    "better": ("good", "check"),
    "grow": ("good", "check"),
    "pass": ("good", "check"),
    "do not ship": ("bad", "cross"),
    "worse": ("bad", "cross"),
    "roll back": ("bad", "cross"),
    "stop": ("bad", "stop"),
    "invalid": ("bad", "warning"),
    "broken": ("bad", "warning"),
    "no clear change": ("quiet", "equal"),
    "within margin": ("good", "check"),
    "no harm seen": ("quiet", "check"),
    "margin not shown": ("warn", "warning"),
    "not tested": ("quiet", "circle"),
    "inconclusive": ("quiet", "equal"),
    "undecided": ("quiet", "equal"),
    "keep running": ("info", "activity"),
    "wait": ("info", "activity"),
    "iterate": ("info", "edit"),
    # states of bets
    "active": ("accent", "dot"),
    "paused": ("warn", "pause"),
    "killed": ("quiet", "stop"),
    "retired": ("quiet", "archive"),
    "think": ("quiet", "belief"),
    "build": ("info", "component"),
    "tweak": ("accent", "settings"),
    # states of flags
    "enabled": ("good", "check"),
    "disabled": ("quiet", "pause"),
    # lifecycles of the catalog
    "production": ("good", "check"),
    "experimental": ("info", "experiment"),
    "deprecated": ("warn", "archive"),
    # findings and outcomes
    "ok": ("good", "check"),
    "warning": ("warn", "warning"),
    "error": ("bad", "cross"),
    "running": ("info", "activity"),
    "planned": ("quiet", "circle"),
    "ended": ("quiet", "archive"),
}


def tone_of(word: str) -> tuple[str, str]:
    """Return the tone and icon for a state; unknown words are quiet with a dot.

    Underscores, hyphens and case do not matter: `DO_NOT_SHIP` is "do not ship".
    """
    return TONES.get(word.lower().replace("_", " ").replace("-", " ").strip(), ("quiet", "dot"))


TOLD = {
    "bet-placed": "The bet is placed. What is still missing stands beside it; nothing of it blocks you.",
    "bet-saved": "The bet is saved.",
    "decided": "The decision is recorded, with what is known today.",
    "read": "The result is read and recorded in the activity log.",
    "member-added": "The membership is recorded.",
    "member-ended": "The membership has ended; it stays in the history.",
    "manager-saved": "The line manager is recorded.",
    "charter-saved": "The charter is saved.",
    "unit-retired": "The unit is retired, and everything it owned has a new home.",
    "revoked": "The token is revoked; it opens nothing any more.",
}
"""What a page says once after a form was sent, by the value of `told` in the address it leads to."""


ACTIONS = {
    "entity.created": "added",
    "entity.updated": "changed",
    "entity.deleted": "removed",
    "bet.decided": "decided on",
    "bet.moved": "moved",
    "experiment.read": "read the figures of",
    "member.joined": "added a member to",
    "member.left": "ended a membership in",
    "member.changed": "changed a membership in",
    "person.joined": "added to a unit:",
    "person.left": "ended a membership of",
    "person.changed": "changed a membership of",
    "manager.set": "named the line manager of",
    "manager.ended": "ended the line manager of",
    "unit.retired": "retired",
    "account.created": "made an account for",
    "session.started": "signed in",
    "session.ended": "signed out",
    "token.created": "made the API token",
    "token.revoked": "revoked the API token",
}


def action_words(action: str) -> str:
    """Return what an entry of the activity log says between the actor and the thing: "decided on"."""
    return ACTIONS.get(action) or action.rpartition(".")[2].replace("_", " ").replace("-", " ")


ACTION_ICONS = {
    "created": "plus",
    "updated": "edit",
    "deleted": "trash",
    "decided": "decision",
    "read": "experiment",
    "moved": "arrow",
    "joined": "plus",
    "left": "sign-out",
    "retired": "archive",
    "imported": "down",
    "revoked": "trash",
    "started": "user",
    "ended": "sign-out",
}


def action_icon(action: str) -> str:
    """Return the name of the icon of an entry of the activity log."""
    return ACTION_ICONS.get(action.rpartition(".")[2], "dot")


def kind_words(kind: str) -> str:
    """Return what many of a kind are called: "Components", "APIs", "Flag sets"."""
    if kind == "FlagSet":
        return "Flag sets"
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"

"""The icons: drawn on a grid of 16, lines of 1.5, one idea each."""

from markupsafe import Markup

__all__ = ["ICONS", "LOGO", "icon", "kind_icon"]

ICONS: dict[str, str] = {
    "home": '<path d="M2.5 7.2 8 2.5l5.5 4.7v6.3h-4v-4h-3v4h-4z"/>',
    "catalog": '<path d="M2.5 3h4.2v4.2H2.5zM9.3 3h4.2v4.2H9.3zM2.5 9.3h4.2v4.2H2.5zM9.3 9.3h4.2v4.2H9.3z"/>',
    "bet": '<circle cx="8" cy="8" r="5.8"/><circle cx="8" cy="8" r="2.2"/>',
    "docs": '<path d="M8 3.8C6.4 2.7 4.6 2.5 2.5 2.8v9.4c2.1-.3 3.9-.1 5.5 1 1.6-1.1 3.4-1.3 5.5-1V2.8C11.4 2.5 9.6 2.7 8 3.8zM8 3.8v9.4"/>',
    "flag": '<path d="M3.5 14V2.5M3.5 3h8.8l-2 3 2 3H3.5"/>',
    "experiment": '<path d="M6 2.5h4M6.7 2.5v4L3 12.3c-.4.7.1 1.4.9 1.4h8.2c.8 0 1.3-.7.9-1.4L9.3 6.5v-4M4.8 10h6.4"/>',
    "events": '<path d="M1.5 8h2.8l2-5 3.4 10 2-5h2.8"/>',
    "activity": '<circle cx="8" cy="8" r="5.8"/><path d="M8 4.6V8l2.3 1.6"/>',
    "settings": '<path d="M2.5 4.5h6M12.5 4.5h1M2.5 11.5h1M7.5 11.5h6"/><circle cx="10.5" cy="4.5" r="1.9"/><circle cx="5.5" cy="11.5" r="1.9"/>',
    "search": '<circle cx="7" cy="7" r="4.3"/><path d="m10.3 10.3 3.2 3.2"/>',
    "menu": '<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>',
    "close": '<path d="m4 4 8 8M12 4l-8 8"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "check": '<path d="m3.2 8.4 3.1 3.1 6.5-7"/>',
    "cross": '<path d="m4.5 4.5 7 7M11.5 4.5l-7 7"/>',
    "warning": '<path d="M8 2.5 14 13H2zM8 6.6v3M8 11.2v.1"/>',
    "info": '<circle cx="8" cy="8" r="5.8"/><path d="M8 7.3v3.6M8 5.1v.1"/>',
    "help": '<circle cx="8" cy="8" r="5.8"/><path d="M6.3 6.4A1.7 1.7 0 1 1 8.6 8c-.4.2-.6.4-.6.9M8 11v.1"/>',
    "pause": '<path d="M5.7 3.8v8.4M10.3 3.8v8.4"/>',
    "stop": '<rect x="3.8" y="3.8" width="8.4" height="8.4" rx="1"/>',
    "equal": '<path d="M3.5 6.2h9M3.5 9.8h9"/>',
    "dot": '<circle cx="8" cy="8" r="2.6" fill="currentColor"/>',
    "circle": '<circle cx="8" cy="8" r="4.6"/>',
    "archive": '<path d="M2.5 3h11v3h-11zM3.5 6v7h9V6M6.5 8.8h3"/>',
    "right": '<path d="m6 3.5 4.5 4.5L6 12.5"/>',
    "left": '<path d="M10 3.5 5.5 8l4.5 4.5"/>',
    "up": '<path d="m3.5 10 4.5-4.5L12.5 10"/>',
    "down": '<path d="M3.5 6 8 10.5 12.5 6"/>',
    "sort": '<path d="m5 6.3 3-3 3 3M5 9.7l3 3 3-3"/>',
    "arrow": '<path d="M3 8h10M9.3 4.3 13 8l-3.7 3.7"/>',
    "external": '<path d="M6 3.5H3.5v9h9V10M9 3h4v4M13 3 7.7 8.3"/>',
    "copy": '<rect x="5.5" y="5.5" width="8" height="8" rx="1.2"/><path d="M3 10.5V3.7c0-.7.5-1.2 1.2-1.2h6.3"/>',
    "filter": '<path d="M2.5 4h11M4.5 8h7M6.5 12h3"/>',
    "edit": '<path d="m3 13 .6-2.9 7.2-7.2 2.3 2.3-7.2 7.2z"/>',
    "trash": '<path d="M2.8 4.5h10.4M6 4.5V2.8h4v1.7M4.2 4.5l.6 8.7h6.4l.6-8.7"/>',
    "lock": '<rect x="3.3" y="7" width="9.4" height="6.5" rx="1.2"/><path d="M5.3 7V5a2.7 2.7 0 0 1 5.4 0v2"/>',
    "key": '<circle cx="5.2" cy="10.8" r="2.7"/><path d="m7.2 8.8 5.8-5.8M10.8 5.2l1.8 1.8"/>',
    "theme": '<circle cx="8" cy="8" r="5.8"/><path d="M8 2.2a5.8 5.8 0 0 1 0 11.6z" fill="currentColor"/>',
    "sign-out": '<path d="M6.5 3h-3v10h3M7.5 8h6M11 5.2 13.8 8 11 10.8"/>',
    "component": '<path d="M8 2 13.3 5v6L8 14l-5.3-3V5zM2.7 5 8 8l5.3-3M8 8v6"/>',
    "api": '<path d="M5.5 4 1.8 8l3.7 4M10.5 4l3.7 4-3.7 4"/>',
    "resource": '<ellipse cx="8" cy="4.2" rx="5" ry="1.9"/><path d="M3 4.2v7.6c0 1 2.2 1.9 5 1.9s5-.9 5-1.9V4.2M3 8c0 1 2.2 1.9 5 1.9s5-.9 5-1.9"/>',
    "system": '<rect x="2.5" y="2.5" width="11" height="11" rx="1.2"/><path d="M2.5 6.5h11M6.5 6.5v7"/>',
    "domain": '<circle cx="8" cy="8" r="5.8"/><path d="M2.2 8h11.6M8 2.2c3.2 3.4 3.2 8.2 0 11.6-3.2-3.4-3.2-8.2 0-11.6z"/>',
    "group": '<circle cx="6" cy="5.4" r="2.3"/><path d="M1.8 13c.2-2.6 1.9-4.2 4.2-4.2s4 1.6 4.2 4.2M10.3 3.3a2.3 2.3 0 0 1 0 4.2M11.8 9.2c1.4.5 2.3 1.9 2.4 3.8"/>',
    "user": '<circle cx="8" cy="5.2" r="2.6"/><path d="M3 13.4c.3-2.9 2.2-4.5 5-4.5s4.7 1.6 5 4.5"/>',
    "location": '<path d="M8 14c3-3.2 4.5-5.5 4.5-7.4a4.5 4.5 0 0 0-9 0C3.5 8.5 5 10.8 8 14z"/><circle cx="8" cy="6.6" r="1.5"/>',
    "template": '<path d="M4 2.5h5.5L12.5 5.5v8h-8.5zM9.5 2.5v3h3M6 8.5h4.5M6 11h3"/>',
    "purpose": '<path d="M8 2v12M8 2l3.2 3.2M8 2 4.8 5.2M3.5 14h9"/>',
    "belief": '<path d="M5.8 11.3c-1.3-.8-2.1-2.2-2.1-3.8a4.3 4.3 0 0 1 8.6 0c0 1.6-.8 3-2.1 3.8v.7H5.8zM6.5 14h3"/>',
    "goal": '<path d="M2.5 13.5 6.5 5l2.3 4.2L10.5 6l3 7.5zM6.5 5V2.3h2.7"/>',
    "metric": '<path d="M2.5 13.5h11M4.5 11V8.5M8 11V3.5M11.5 11V6"/>',
    "dashboard": '<path d="M2.5 2.5h11v11h-11zM2.5 9.5h4v-3h2.7V5h1.6V3.8h2.7"/>',
    "rollout": '<path d="M2.5 13h3v-3h3V7h3V4h2"/>',
    "verdict": '<path d="M8 2.5v11M4.5 13.5h7M3 5h10M3 5 1.3 9.2a1.9 1.9 0 0 0 3.4 0zM13 5l-1.7 4.2a1.9 1.9 0 0 0 3.4 0z"/>',
    "scorecard": '<path d="m2.5 4.5 1.2 1.2L6 3.3M2.5 11.3l1.2 1.2L6 10.1M8.5 4.5h5M8.5 11.3h5"/>',
    "discover": '<path d="M6 12V3.7l7-1.4v8.2"/><circle cx="4.3" cy="12" r="1.7"/><circle cx="11.3" cy="10.5" r="1.7"/>',
    "decision": '<path d="M8 14V9.5M8 9.5 3.5 5V2.5M8 9.5 12.5 5V2.5M2 4l1.5-1.5L5 4M11 4l1.5-1.5L14 4"/>',
}
"""Name and inner SVG of each icon."""

KIND_ICONS = {
    "bet": "bet",
    "datum": "events",
    "insight": "search",
    "belief": "belief",
    "goal": "goal",
    "metric": "metric",
    "purpose": "purpose",
    "flagset": "flag",
    "documentation": "docs",
    "flag": "flag",
    "experiment": "experiment",
    "rollout": "rollout",
    "dashboard": "dashboard",
    "recommender": "discover",
    "component": "component",
    "api": "api",
    "resource": "resource",
    "system": "system",
    "domain": "domain",
    "group": "group",
    "user": "user",
    "location": "location",
    "template": "template",
    "scorecard": "scorecard",
    "policypack": "settings",
    "vocabulary": "edit",
    "unittype": "group",
}


def icon(name: str, label: str = "") -> Markup:
    """Return one icon as SVG: hidden from screen readers, or named by `label` where no text stands beside it.

    Raises:
        KeyError: no icon has this name.
    """
    naming = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" viewBox="0 0 16 16" {}>{}</svg>').format(naming, Markup(ICONS[name]))  # noqa: S704


def kind_icon(kind: str) -> str:
    """Return the name of the icon for a kind of entity; kinds that we do not know share one."""
    return KIND_ICONS.get(kind.lower(), "circle")


LOGO = Markup(
    '<svg class="mark" viewBox="0 0 28 28" aria-hidden="true">'
    '<path class="staff-line" d="M1 5.5h26M1 9.75h26M1 14h26M1 18.25h26M1 22.5h26"/>'
    '<path class="mark-voice voice-2" d="M2.5 20.5C8 20.5 8.5 7.5 14 7.5S20 20.5 25.5 20.5"/>'
    '<path class="mark-gap" d="M5.8 9.8 10.5 16.8M17.5 16.8 22.2 9.8"/>'
    '<path class="mark-voice voice-1" d="M2.5 7.5C8 7.5 8.5 20.5 14 20.5S20 7.5 25.5 7.5"/>'
    "</svg>"
)
"""The mark: two voices in contrary motion on a staff, one passing over the other."""

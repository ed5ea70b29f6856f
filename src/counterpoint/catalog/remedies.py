"""The way out of each kind of problem, in words for people. Pure."""

from collections.abc import Mapping

from counterpoint.catalog.remarks import Code

__all__ = ["LABELS", "REMEDIES"]

LABELS: Mapping[Code, str] = {
    "unread": "not read",
    "syntax": "no descriptor",
    "invalid": "not valid",
    "conflict": "declared twice",
    "forbidden": "not allowed",
    "target": "target",
    "placeholder": "placeholder",
    "owner": "no owner",
    "reference": "leads nowhere",
    "slip": "misspelt?",
    "circle": "circle",
    "orphan": "orphan",
    "moved": "moved",
    "note": "note",
}
"""What each kind is called, in a word or two."""

REMEDIES: Mapping[Code, str] = {
    "unread": "Check that it is there and may be read, then read it again. What it declared before is kept.",
    "syntax": "Mend the text at this line. The documents before and after it are taken.",
    "invalid": "Mend the field. Until then the last good version of the entity, where there is one, stays as it is.",
    "conflict": "Remove it from one of the two places, or give one of them another name.",
    "forbidden": "Ask its owner, or let somebody import the file who may change it.",
    "target": "Correct the target, or set presence: optional where it may be missing.",
    "placeholder": "Put the file there, or correct its path. It must lie in the folder that is imported.",
    "owner": "Declare the owner, or name one that exists: everything has exactly one owner.",
    "reference": "Declare it, or correct the reference. This goes away by itself as soon as it exists.",
    "slip": "Correct the key, or leave it if it is meant: other keys are kept as they are.",
    "circle": "Give one of the units another parent, or none, and read its file again.",
    "orphan": "Delete it if it is gone, or declare it again in a file that is imported.",
    "moved": "Nothing needs to be done: its history and its uid went along.",
    "note": "Nothing needs to be done.",
}
"""What to do about each kind."""

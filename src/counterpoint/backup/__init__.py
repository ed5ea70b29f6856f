"""Backups: a workspace in one archive, consistent across graph and journal, and back again.

manifest        what an archive says of itself
archive         archives as files: packing, and opening what may be damaged or hostile
postgresql      the graph's tables out of PostgreSQL, and into an empty database
making          a backup of a workspace that others use meanwhile
restoring       a workspace out of a backup: beside, then in place; nobody who was forgotten comes back
purging         forgetting people in backups that exist
commands        the door
"""

from counterpoint.backup.archive import verify
from counterpoint.backup.making import make_backup
from counterpoint.backup.manifest import Manifest
from counterpoint.backup.restoring import restore

__all__ = ["Manifest", "make_backup", "restore", "verify"]

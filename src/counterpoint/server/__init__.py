"""One ASGI application over a workspace: mounts every room, says who calls, maps every error.

The map: `app` builds the application from `rooms`; `problems` turns errors into answers; `middleware`
holds the plain ASGI classes around it; `identity` knows accounts, sessions and tokens; `live` is the
activity stream; `process` runs it and stops it without losing anything; `commands` is the command line.
"""

"""SCIM 2.0: identity providers bring people and groups in, and take them out again (RFC 7643, RFC 7644).

`filters` and `patch` are the standard's two small languages, pure; `resources` turns people and units
into its JSON and back; `service` reads and writes the graph; `routes` speaks HTTP.
"""

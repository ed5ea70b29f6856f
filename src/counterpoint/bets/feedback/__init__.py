"""Feedback and ideas from outside: how they come in, what becomes of them, and how their givers see that.

The map: `model` (states, outcomes, evidence; pure), `mail` (the words of an email), `sheets` (CSV), `store`, and the doors.
"""

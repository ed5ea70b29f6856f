"""Metrics: what each figure means, what it is computed from, and what it is on the events that came."""

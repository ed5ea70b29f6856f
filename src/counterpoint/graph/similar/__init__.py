"""What is like what: the nearest existing things for a text, and pairs of things that may be the same.

The map: `words` (the words of a text, and the phrases that two texts share), `corpus` (texts as vectors of
TF-IDF weights, nearest ones and near pairs), `likeness` (the whole score: text, shared relations, metrics)
and `things` (what the graph holds, kept in memory and brought up to date by the activity log).
"""

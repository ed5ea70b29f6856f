"""Arpeggio, a made-up company that streams music.

arpeggio/    its organisation, catalog, purpose, bets, flags and experiment, as files
simulate     its listeners, with a known true effect
story        the first story, told through the doors that every user has
folder       where the demo is built
commands     `counterpoint demo`
"""

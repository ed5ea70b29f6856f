"""Experiments beside each other: when they run, where they meet the same users, and whether one changes another."""

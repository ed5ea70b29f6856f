"""Dashboards: the figures that a unit looks at, made by anybody of that unit and open to all."""

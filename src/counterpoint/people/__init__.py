"""People: units on several axes, dated memberships, words and practices of each unit."""

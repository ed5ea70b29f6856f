"""The tests. Numbers are multiplied on one thread: three workers with two each wait for each other, and spin meanwhile."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

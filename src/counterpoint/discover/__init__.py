"""Discover: what to play next, from what people put together.

    interactions    matrices, checked and bounded
    splits          what is held out: by time, by row, each row's last
    popularity, neighbours, item_graph, ease, als      the methods; `graph` and `low_rank` under them
    methods         all of them by name; `search` chooses among them on a held-out slice
    playlists       continuing a playlist from its title, tracks and order; `titles` reads the words
    model           the door to all this: fit, recommend, add
    ranking, evaluation      what comes out, and what it is worth
    protocol, bench, judgement      how methods are judged as one value, on data, and what came of it

Sparse matrices in, rankings out; nothing of these reads or writes. In a workspace:

    plan, listening, listened        what a recommender reads of the journal; `consent`, `forgotten` say of whom
    fitting, version, versions       versions, fitted and loaded; `forgetting` fits them anew
    serving         recommendations for a listener; `choosing` asks the flag, `hearing` what was heard just now,
                    `answering` ranks a `shelf` with the parts of `explaining`, `shadow` compares unseen
    week, weeks, weeks_kept          the week's playlist: a value, its doors, its table
    profile, profiles, corrections   what a listener sees and says of themselves
    access, links                    whose all this is
    across, reuse, campaigns         the same taste for podcasts and advertising
"""

from counterpoint.discover.bench import Bench
from counterpoint.discover.evaluation import Comparison, Evaluation, Measured, compare, evaluate
from counterpoint.discover.judgement import Judgement
from counterpoint.discover.methods import METHODS, Method
from counterpoint.discover.model import Model
from counterpoint.discover.playlists import Continuation, Playlist
from counterpoint.discover.protocol import Protocol
from counterpoint.discover.ranking import Ranking
from counterpoint.discover.search import Search, Trial, search
from counterpoint.discover.splits import Split, by_rows, by_time, leave_last, within_rows

__all__ = [
    "METHODS",
    "Bench",
    "Comparison",
    "Continuation",
    "Evaluation",
    "Judgement",
    "Measured",
    "Method",
    "Model",
    "Playlist",
    "Protocol",
    "Ranking",
    "Search",
    "Split",
    "Trial",
    "by_rows",
    "by_time",
    "compare",
    "evaluate",
    "leave_last",
    "search",
    "within_rows",
]

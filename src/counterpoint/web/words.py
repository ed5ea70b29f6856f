"""How a state looks: the tone and the icon of the words that rooms use for states and verdicts."""

__all__ = ["TOLD", "TONES", "action_icon", "action_words", "kind_word", "kind_words", "tone_of"]

TONES: dict[str, tuple[str, str]] = {
    # verdicts of experiments and decisions on bets
    "ship": ("good", "check"),
    "shipped": ("good", "check"),
    "better": ("good", "check"),
    "grow": ("good", "check"),
    "pass": ("good", "check"),
    "do not ship": ("bad", "cross"),
    "worse": ("bad", "cross"),
    "roll back": ("bad", "cross"),
    "stop": ("bad", "stop"),
    "invalid": ("bad", "warning"),
    "broken": ("bad", "warning"),
    "no clear change": ("quiet", "equal"),
    "within margin": ("good", "check"),
    "no harm seen": ("quiet", "check"),
    "margin not shown": ("warn", "warning"),
    "not tested": ("quiet", "circle"),
    "not read yet": ("quiet", "pause"),
    "to decide": ("accent", "decision"),
    "met": ("good", "check"),
    "failed": ("bad", "cross"),
    "open": ("info", "circle"),
    "inconclusive": ("quiet", "equal"),
    "undecided": ("quiet", "equal"),
    "fail": ("bad", "cross"),
    "too few users": ("quiet", "circle"),
    "missing": ("warn", "warning"),
    "keep running": ("info", "activity"),
    "wait": ("info", "activity"),
    "iterate": ("info", "edit"),
    # states of bets
    "active": ("accent", "dot"),
    "paused": ("warn", "pause"),
    "killed": ("quiet", "stop"),
    "retired": ("quiet", "archive"),
    "think": ("quiet", "belief"),
    "build": ("info", "component"),
    "tweak": ("accent", "settings"),
    "due": ("warn", "activity"),
    "comes back": ("quiet", "activity"),
    "learned": ("good", "check"),
    # states of rollouts
    "pending": ("quiet", "circle"),
    "holding": ("warn", "pause"),
    "rolled back": ("bad", "left"),
    "completed": ("good", "check"),
    # states of decisions
    "proposed": ("info", "circle"),
    "advice": ("info", "help"),
    "accepted": ("good", "check"),
    "rejected": ("quiet", "cross"),
    "superseded": ("quiet", "archive"),
    # states of concerns
    "raised": ("warn", "warning"),
    "acknowledged": ("info", "check"),
    "options offered": ("info", "decision"),
    "resolved": ("good", "check"),
    "withdrawn": ("quiet", "archive"),
    # severities and states of dependencies
    "blocking": ("bad", "stop"),
    "slowing": ("warn", "warning"),
    "future": ("info", "activity"),
    "none": ("quiet", "check"),
    "reported": ("warn", "circle"),
    "confirmed": ("info", "check"),
    "disputed": ("warn", "equal"),
    "agreed": ("accent", "decision"),
    "gone": ("quiet", "archive"),
    # what became of feedback
    "new": ("warn", "circle"),
    "idea": ("info", "belief"),
    "kept": ("quiet", "check"),
    "declined": ("quiet", "archive"),
    # states of flags
    "enabled": ("good", "check"),
    "disabled": ("quiet", "pause"),
    # lifecycles of the catalog
    "production": ("good", "check"),
    "experimental": ("info", "experiment"),
    "deprecated": ("warn", "archive"),
    # findings and outcomes
    "ok": ("good", "check"),
    "warning": ("warn", "warning"),
    "error": ("bad", "cross"),
    "running": ("info", "activity"),
    "planned": ("quiet", "circle"),
    "ended": ("quiet", "archive"),
    # checks of scorecards; what is to do is no failure
    "to do": ("warn", "circle"),
    "exempt": ("quiet", "pause"),
}


def tone_of(word: str) -> tuple[str, str]:
    """Return the tone and icon for a state; unknown words are quiet with a dot.

    Underscores, hyphens and case do not matter: `DO_NOT_SHIP` is "do not ship".
    """
    return TONES.get(word.lower().replace("_", " ").replace("-", " ").strip(), ("quiet", "dot"))


TOLD = {
    "bet-placed": "The bet is placed. What is still missing stands beside it; nothing of it blocks you.",
    "bet-placed-from-feedback": "The bet is placed, and what was said is its first evidence. What is still missing stands beside it.",
    "bet-saved": "The bet is saved.",
    "evidence-added": "The evidence is in the log, and the risks are read anew.",
    "answered": "The answer is recorded; both sides stand beside the stage.",
    "follow-up-kept": "It is kept with the override.",
    "learned-kept": "What it taught is kept, where everybody finds it.",
    "thanked": "Thank you for saying so.",
    "node-saved": "It is saved; what rests on it stands beside it.",
    "metric-saved": "The metric is saved. What its events say against it stands beside it.",
    "dashboard-saved": "The dashboard is saved.",
    "dashboard-deleted": "The dashboard is deleted; its history stays in the activity log.",
    "concern-raised": "The concern is raised. Its squad sees it now.",
    "concern-answered": "It is said, and stands below.",
    "dependency-reported": "The dependency is reported. The other side is asked how it sees it.",
    "dependency-changed": "It is kept, and stands below.",
    "feedback-settled": "It is kept; whoever gave it sees it.",
    "feedback-erased": "It is erased.",
    "door-closed": "The form is closed; it takes nothing more.",
    "decided": "The decision is recorded, with what is known today.",
    "decision-proposed": "The decision is proposed. Ask those whom it affects and those who know.",
    "decision-kept": "The decision is kept.",
    "decision-accept": "The decision is accepted.",
    "decision-reject": "The decision is rejected; it stays in the log.",
    "advice-asked": "Asked. It waits for them under My week.",
    "advice-given": "Your advice stands beside the decision.",
    "advice-dissent": "Your dissent stands beside the decision, and stays there.",
    "boundaries-kept": "The boundaries are kept, and stand beside every decision.",
    "review-opened": "The review is open, with the agenda of today.",
    "review-reveal": "The fists are revealed.",
    "review-close": "The review is closed; its minutes are what was decided.",
    "fist-shown": "Your fist is kept. Only this browser can change it, until the reveal.",
    "cadence-kept": "The cadence is kept.",
    "brief-given": "The brief is given. It waits for its readers under My week.",
    "brief-answered": "What you understood stands below the brief.",
    "estimated": "The estimates are kept; the next test is worked out from them.",
    "asked": "The question is asked. Everybody can predict until it is revealed.",
    "locked": "Your prediction is locked. Nobody else sees it before the reveal.",
    "question-reveal": "The predictions are revealed, and locked for good.",
    "question-resolve": "It is recorded what came of it.",
    "question-withdraw": "The question is withdrawn.",
    "explored": "The look is noted, with its figures; it is no evidence, and ships nothing.",
    "acknowledged": "It is noted that the experiment is invalid; its figures are shown, and are no evidence.",
    "read": "The result is read and recorded in the activity log.",
    "renamed": "The words are kept. Every page and message says them from now on.",
    "switched": "What you chose is kept, and holds from now on.",
    "member-added": "The membership is recorded.",
    "member-ended": "The membership has ended; it stays in the history.",
    "manager-saved": "The line manager is recorded.",
    "charter-saved": "The charter is saved.",
    "unit-retired": "The unit is retired, and everything it owned has a new home.",
    "revoked": "The token is revoked; it opens nothing any more.",
    "view-saved": "The view is saved; it stands above the list.",
    "view-changed": "The view is changed.",
    "view-removed": "The view is removed.",
    "twins-confirmed": "Noted: they are the same. The pair stays on the list until it is one.",
    "twins-dismissed": "Noted: they are not the same. The pair is off the list; it stands below, where you can take it back.",
    "twins-reopened": "Taken back; the pair is on the list again.",
    "location-removed": "It is not read any more, and what came from it is gone; the history has it.",
    "read-again": "It was read again; what is still wrong stands here.",
    "flags-restored": "It is again what it was then, as a new version.",
    "flags-promoted": "The flags are promoted.",
    "flags-saved": "Saved as a new version; the history can undo it.",
    "flags-deleted": "The flag is deleted; restoring the version before brings it back.",
    "flags-as-before": "It is as you want it already; nothing was written.",
    "deleted": "It is deleted; its history stays.",
    "rollout-killed": "The flag is killed: everybody gets its default. The rollout waits until somebody revives the flag.",
    "recommender-evaluating": "It has begun, and goes on without you.",
    "evidence-offered": "The evaluation stands among the evidence, on the risk of value.",
    "listener-consent": "Your word is kept, and holds from now on.",
    "listener-private": "Done. It holds from this moment.",
    "listener-corrected": "Done. What follows from your taste goes by it from now on.",
    "rollout-simulating": "It has begun, and goes on without you.",
    "rollout-moved": "It is done, and stands below with what was known.",
}
"""What a page says once after a form was sent, by the value of `told` in the address it leads to."""


ACTIONS = {
    "entity.created": "added",
    "entity.updated": "changed",
    "entity.deleted": "removed",
    "entity.status": "found something to mend in",
    "location.registered": "registered the location",
    "location.changed": "pointed elsewhere the location",
    "location.removed": "took back the location",
    "bet.decided": "decided on",
    "bet.moved": "moved",
    "bet.estimated": "estimated",
    "decision.proposed": "put a proposal to",
    "decision.revised": "rewrote a proposal to",
    "decision.advice_asked": "asked for advice about",
    "decision.advised": "gave advice about",
    "decision.dissented": "dissented about",
    "decision.accepted": "accepted a proposal to",
    "decision.rejected": "rejected a proposal to",
    "decision.superseded": "superseded an older one about",
    "boundary.set": "set a boundary of",
    "review.opened": "opened a review of",
    "review.revealed": "revealed the fists in a review of",
    "review.closed": "closed a review of",
    "review.cadence": "chose a cadence of reviews for",
    "brief.given": "gave context for",
    "brief.answered": "answered a brief of",
    "prediction.asked": "asked a question about",
    "prediction.locked": "locked a prediction about",
    "prediction.revealed": "revealed predictions about",
    "prediction.resolved": "recorded what came of a prediction about",
    "prediction.withdrawn": "withdrew a question about",
    "bet.ranked": "placed on a board",
    "bet.answered": "answered for one side on",
    "bet.thanked": "said thank you for",
    "evidence.added": "added to what is known of",
    "evidence.offered": "brought something to know of",
    "override.asked": "will look again at",
    "override.learned": "learned from",
    "concern.acknowledged": "acknowledged a concern about",
    "concern.asked": "asked about a concern about",
    "concern.helped": "offered help with a concern about",
    "concern.eased": "changed a constraint after a concern about",
    "concern.replied": "replied to a concern about",
    "concern.options": "offered options for a concern about",
    "concern.published": "published a concern about",
    "concern.resolved": "resolved a concern about",
    "concern.withdrawn": "took back a concern about",
    "dependency.reported": "reported a dependency of",
    "dependency.confirmed": "confirmed a dependency of",
    "dependency.disputed": "sees otherwise a dependency of",
    "dependency.discussed": "said how they see a dependency of",
    "dependency.agreed": "wrote down a plan for a dependency of",
    "dependency.regraded": "graded anew a dependency of",
    "dependency.cleared": "cleared a dependency of",
    "feedback.opened": "made a public form of",
    "feedback.closed": "closed a public form of",
    "feedback.settled": "made something of feedback for",
    "feedback.erased": "erased feedback for",
    "experiment.read": "read the figures of",
    "experiment.look": "took a look at",
    "experiment.acknowledged": "acknowledged that it is invalid:",
    "rollout.started": "started",
    "rollout.advanced": "moved to the next step",
    "rollout.held": "held",
    "rollout.cleared": "went on with",
    "rollout.checked": "checked",
    "rollout.approved": "approved the next step of",
    "rollout.paused": "paused",
    "rollout.resumed": "resumed",
    "rollout.rolled-back": "rolled back",
    "rollout.completed": "completed",
    "rollout.ended": "ended",
    "rollout.simulation_started": "began to simulate",
    "rollout.simulated": "simulated",
    "experiment.explored": "looked without a stopping plan at",
    "recommender.evaluated": "evaluated",
    "recommender.evaluation_begun": "began to evaluate",
    "recommender.fitted": "fitted a version of",
    "recommender.fit.begun": "began to fit a version of",
    "recommender.forgot": "forgot somebody in",
    "recommender.corrected": "kept what a listener said about",
    "recommender.week-made": "made the week's playlists of",
    "discover.link-made": "made a listener's link to",
    "view.saved": "saved a view of",
    "view.changed": "changed a view of",
    "view.removed": "removed a view of",
    "twins.confirmed": "confirmed as twins:",
    "twins.dismissed": "dismissed as twins:",
    "twins.reopened": "reopened as twins:",
    "scorecard.checked": "checked again",
    "fact.reported": "reported facts of",
    "member.joined": "added a member to",
    "member.left": "ended a membership in",
    "member.changed": "changed a membership in",
    "person.joined": "added to a unit:",
    "person.left": "ended a membership of",
    "person.changed": "changed a membership of",
    "manager.set": "named the line manager of",
    "manager.ended": "ended the line manager of",
    "unit.retired": "retired",
    "account.created": "made an account for",
    "session.started": "signed in",
    "session.ended": "signed out",
    "token.created": "made the API token",
    "token.revoked": "revoked the API token",
}


def action_words(action: str) -> str:
    """Return what an entry of the activity log says between the actor and the thing: "decided on"."""
    return ACTIONS.get(action) or action.rpartition(".")[2].replace("_", " ").replace("-", " ")


ACTION_ICONS = {
    "created": "plus",
    "updated": "edit",
    "deleted": "trash",
    "decided": "decision",
    "answered": "decision",
    "ranked": "sort",
    "thanked": "check",
    "added": "plus",
    "offered": "plus",
    "asked": "activity",
    "learned": "belief",
    "read": "experiment",
    "evaluated": "experiment",
    "checked": "scorecard",
    "reported": "events",
    "moved": "arrow",
    "joined": "plus",
    "left": "sign-out",
    "retired": "archive",
    "imported": "down",
    "revoked": "trash",
    "started": "user",
    "ended": "sign-out",
}


def action_icon(action: str) -> str:
    """Return the name of the icon of an entry of the activity log."""
    return ACTION_ICONS.get(action.rpartition(".")[2], "dot")


KIND_WORDS = {
    "FlagSet": "Flag set",
    "PolicyPack": "Policy pack",
    "RolloutTemplate": "Rollout template",
    "UnitType": "Unit type",
}
"""Kinds whose name is not written as people say it."""


UNCOUNTED = frozenset({"Documentation"})
MANY = {"Datum": "Data"}
"""Kinds of which many are not called by one more letter."""


def kind_word(kind: str) -> str:
    """Return what one of a kind is called: "Component", "Flag set"; in our words, which the page tells."""
    return KIND_WORDS.get(kind, kind)


def kind_words(kind: str) -> str:
    """Return what many of a kind are called: "Components", "APIs", "Flag sets"; in our words, too."""
    word = kind_word(kind)
    if word in UNCOUNTED or kind in MANY:
        return MANY.get(kind, word)
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"

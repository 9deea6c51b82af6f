"""The laws, as far as they speak of what runs: a small model that watches and shares no decision.

It knows what each message truly is, what the database holds, what each gateway was told and what
each client saw, and compares at every step. What it takes from the product is the identity of
messages (``core.tree``), which has its own laws and tests.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from adjourn.core.decisions import Delivered
from adjourn.core.entries import Append, EndRecord, EntryKind, pause_rule
from adjourn.core.messages import Message, Role
from adjourn.core.tree import NodeId, Origin, child, path_of
from adjourn.ports import PathFacts
from adjourn.store.codec import encode

from .database import Database

PATIENCE_S = 400.0
"""No answer takes longer than all deadlines together."""


class Broken(AssertionError):
    """A law does not hold."""


@dataclass(eq=False)
class Asked:
    """One request of a client."""

    number: int
    process: int
    origin: Origin
    messages: tuple[tuple[str, str], ...]
    began_s: float
    began_at: int
    """The step at which it began."""
    needs_store: bool
    paths: list[tuple[NodeId, ...]] = field(default_factory=list)
    """What the gateway looked up."""
    unanswered: bool = False
    """A look-up of it failed."""
    status: int = 0
    decision: str = ""

    @property
    def words(self) -> set[str]:
        return {word for role, text in self.messages if role == "user" for word in text.split()}


class Laws:
    """Watches a world."""

    def __init__(self, database: Database) -> None:
        self.steps = 0
        self.newest: deque[str] = deque(maxlen=60)
        self.seen: Counter[str] = Counter()
        """How often what happened, to tell whether a world was worth its while."""
        self._digest = hashlib.blake2b(digest_size=16)
        self._database = database
        self._said: dict[NodeId, tuple[NodeId, str, str]] = {}
        """Parent, role and text of every node that was ever sent."""
        self._ended_at: dict[NodeId, int] = {}
        self._reversed_at: dict[NodeId, int] = {}
        self._attested: dict[NodeId, Delivered] = {}
        self._judged: set[str] = set()
        """Texts that every detector that must judge them has judged."""
        self._entries: Counter[str] = Counter()
        self._paused: set[str] = set()
        """Requests that the ledger says a pause answered."""
        self._held: set[str] = set()
        """Those of them whose gateway was told so."""
        self._known: dict[int, dict[NodeId, EndRecord]] = {}
        """Ends in force that each process was told of."""
        self._acknowledged: dict[str, Append] = {}
        self.failure: Broken | None = None
        """The first law that was seen broken."""

    # -- the trace ----------------------------------------------------------------------------

    def note(self, what: str) -> None:
        """Take a step."""
        self.steps += 1
        self._digest.update(what.encode() + b"\n")
        self.newest.append(f"{self.steps:>7} {what}")

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def hold(self, law: str, holds: object, what: str) -> None:
        if not holds:
            self.failure = self.failure or Broken(f"{law}: {what}")
            raise self.failure  # the gateway may take it for a fault of its own: it is kept, too

    # -- what happens -------------------------------------------------------------------------

    def started(self, process: int) -> None:
        self._known[process] = {}
        self.note(f"process {process} starts")

    def asked(self, asked: Asked) -> None:
        self.note(f"{asked.number} asks {asked.process}: {asked.messages[-1][1][:20]}")
        root = asked.origin.root()
        messages = [Message.of(Role(role), text) for role, text in asked.messages]
        for step in path_of(root, enumerate(messages)):
            self._said[step.node] = (step.parent, str(step.role), messages[step.index].text)

    def judged(self, texts: Sequence[str]) -> None:
        self.note(f"judged {len(texts)}")
        self._judged.update(texts)

    def looked_up(self, asked: Asked | None, process: int, path: Sequence[NodeId],
                  facts: PathFacts | None, fresh: bool) -> None:  # fmt: skip
        """A gateway looked a path up; None: the store said it was unavailable."""
        self.note(f"look-up by {process}: {'failed' if facts is None else bool(facts.end)}")
        known = self._known.get(process, {})
        if facts is None:
            lost = [node for node in path if node in known]
            self.hold("ended_is_locked", not lost, f"{process} forgot a lock it knew: {lost}")
            self.seen["look-ups that failed"] += 1
        elif fresh:
            for node in path:
                if not self._database.in_force(node):
                    known.pop(node, None)
        if facts is not None and facts.end is not None:
            self._told_of(process, facts.end)
            self.hold("edit_and_retry_is_open", facts.end.node in path, "a lock off its path")
            self.seen["locks told from memory"] += not fresh
        if asked is not None:
            self._register(asked, path)
            asked.paths.append(tuple(path))
            asked.unanswered |= facts is None
            if facts is not None and facts.end is not None and fresh:
                undone = self._reversed_at.get(facts.end.node, asked.began_at)
                self.hold("reversal_reopens", undone >= asked.began_at, facts.end.node)

    def _register(self, asked: Asked, path: Sequence[NodeId]) -> None:
        """Learn the nodes of a window that was laid on a recorded path."""
        nodes = [one for one in asked.messages if one[0] in ("user", "assistant")]
        for place in range(1, min(len(path), len(nodes))):
            role, text = nodes[-place]
            parent = path[-place - 1]
            if child(parent, Message.of(Role(role), text)) != path[-place]:
                return
            self._said.setdefault(path[-place], (parent, role, text))

    def _told_of(self, process: int, end: EndRecord) -> None:
        self.hold("recorded_before_seen", end.node in self._database.ends, "an end from nowhere")
        if self._database.in_force(end.node):
            self._known.setdefault(process, {})[end.node] = end

    def appended(self, process: int, append: Append, won: EndRecord | None) -> None:
        """A gateway was told that something is durable: so it is."""
        self.note(f"append acknowledged to {process}")
        if won is not None:
            self._told_of(process, won)
        if append.end is not None and won != append.end:
            return  # another end won, and nothing of this is recorded
        self._acknowledged[encode(append.entry)] = append
        if pause_rule(append.entry):
            self._held.add(append.entry.model)
        held = self._database.rows
        for record in append.nodes:
            self.hold("recorded_before_seen", record.node in held._nodes, "a lost node")
        self.hold("recorded_before_seen", append.entry in self._database.entries[-200:] or
                  append.entry in self._database.entries, "a lost entry")  # fmt: skip

    def reversing(self, process: int, node: NodeId) -> None:
        self._known.get(process, {}).pop(node, None)

    def reversed(self, node: NodeId) -> None:
        self.note(f"reversed {node[:8]}")
        self._reversed_at[node] = self.steps
        self.seen["ends reversed"] += 1
        for known in self._known.values():
            known.pop(node, None)

    # -- what becomes durable -----------------------------------------------------------------

    def committed(self, append: Append, entered: bool) -> None:
        entry = append.entry
        self.note(f"durable: {entry.kind} {entry.decision} of {entry.model}")
        for record in append.nodes:
            if record.delivered is not None:
                self._attested.setdefault(record.node, record.delivered)
                if record.delivered is Delivered.WARNING:
                    self._lawful_warning(record.parent)
        if entered and entry.model:
            self._entries[entry.model] += 1
            most = 2 if entry.model in self._paused else 1  # a pause in doubt: the model answered
            self.hold("no double record", self._entries[entry.model] <= most, entry.model)
        rule = pause_rule(entry)
        if rule:
            self._paused.add(entry.model)
            self._lawful_pause(entry.node, rule)
        if append.end is not None:
            self.hold("one end", append.end.node not in self._ended_at, append.end.node)
            self._ended_at[append.end.node] = self.steps
            self._lawful_end(append.end)
            self.seen[f"ends by {append.end.by}"] += 1
        if entry.kind is EntryKind.LOCKED:
            self.seen["messages refused"] += 1

    def _chain(self, node: NodeId) -> list[tuple[NodeId, str, str]]:
        """Return id, role and text from the top down to a node."""
        found: list[tuple[NodeId, str, str]] = []
        while node in self._said:
            parent, role, text = self._said[node]
            found.append((node, role, text))
            node = parent
        return found[::-1]

    def _free_of_crisis(self, chain: Sequence[tuple[NodeId, str, str]], what: str) -> None:
        for _, role, text in chain:
            if role == "user":
                self.hold("crisis_trumps_end", "crisis" not in text.split(), what)
                self.hold("unknown_is_never_a_permit", text in self._judged, f"{what} on {text!r}")

    def _lawful_warning(self, answered: NodeId) -> None:
        chain = self._chain(answered)
        self._free_of_crisis(chain, "warned")
        self.hold("end_needs_redirections", self._redirections(chain) >= 2, "warned too early")
        self.hold(
            "empty_policy_never_ends", _qualifying(chain)[-1:] == [True], "warned for nothing"
        )
        self.seen["warnings"] += 1

    def _lawful_pause(self, answered: NodeId, rule: str) -> None:
        said = [text.split() for _, role, text in self._chain(answered) if role == "user"]
        shown = ["crisis" in words for words in said]
        self.hold("pause_always_resumes", any(shown[:-1]), "paused without support before")
        self.hold("pause_always_resumes", shown[-1] or rule == "pause.holds", "paused for nothing")
        self.seen[rule] += 1

    def _redirections(self, chain: Sequence[tuple[NodeId, str, str]]) -> int:
        return sum(self._attested.get(node) is Delivered.REDIRECTION for node, _, _ in chain)

    def _lawful_end(self, end: EndRecord) -> None:
        chain = self._chain(end.node)
        self.hold("same_inputs_same_decision", chain, "an end of what nobody said")
        self._free_of_crisis(chain, "ended")
        if end.by == "user":
            asked = [self._attested.get(node) for node, role, _ in chain if role == "assistant"]
            confirmed = asked[-1:] == [Delivered.CONFIRM_QUESTION] and "yes" in chain[-1][2].split()
            self.hold("user_end_needs_confirmation", confirmed, chain[-1][2])
            return
        warned = [
            place for place, (node, _, _) in enumerate(chain)
            if self._attested.get(node) is Delivered.WARNING
        ]  # fmt: skip
        self.hold("end_needs_prior_warning", warned, str(end.by))
        redirections = self._redirections(chain[: warned[-1]])
        self.hold("end_needs_redirections", redirections >= 2, str(redirections))
        persisted = sum(_qualifying(chain)[sum(r == "user" for _, r, _ in chain[: warned[-1]]) :])
        need = 2 if end.by == "policy" else 1
        self.hold("end_needs_persistence", persisted >= need, f"{persisted} of {need}")

    # -- what leaves the gateway --------------------------------------------------------------

    def forwarded(self, asked: Asked) -> None:
        """A request reaches the model."""
        self.note(f"{asked.number} reaches the model")
        self.hold("when_down", not (asked.needs_store and asked.unanswered), "passed unseen")
        held = f"m-{asked.number}" in self._held
        self.hold("pause_always_resumes", not held, f"{asked.number} is paused and passed")
        for path in asked.paths:
            for node in path:
                since = self._ended_at.get(node, asked.began_at)
                if since >= asked.began_at or not self._database.in_force(node):
                    continue
                self.hold("ended_is_locked", asked.unanswered, f"{asked.number} passed a lock")
                self.seen["passed an unknown lock in an outage"] += 1

    def told(self, asked: Asked, status: int, decision: str, node: NodeId | None) -> None:
        """The head of a reply reaches the client."""
        self.note(f"{asked.number} is told {status} {decision}")
        asked.status, asked.decision = status, decision
        self.seen[f"told {status} {decision}".strip()] += 1
        self.hold("no error of ours", status != 500, f"{asked.number} got a 500")
        if decision == "end":
            self.hold("recorded_before_seen", node in self._database.ends, "an end unrecorded")
        if decision == "locked":
            on_path = any(node in path for path in asked.paths)
            self.hold("edit_and_retry_is_open", on_path, "locked off its path")
            self.hold("recorded_before_seen", node in self._database.ends, "a lock unrecorded")
        harsh = decision in ("warn", "end") and "crisis" in asked.words
        self.hold("crisis_trumps_end", not harsh, f"{asked.number} was told {decision}")

    def answered(self, asked: Asked, text: str, ended: str, took_s: float) -> None:
        """The reply is over: as a whole, with an error, or (empty) without a word."""
        self.note(f"{asked.number} has its answer")
        self.hold("an answer in time", took_s <= PATIENCE_S, f"{asked.number} took {took_s:.0f} s")
        self.hold("no silent cut", ended, f"{asked.number}: a stream without an end")
        mentions = "may be ended" in text or "has been ended" in text
        if "crisis" in asked.words:
            self.hold("crisis_trumps_end", not mentions, f"{asked.number} heard of ending")
        if "my answers pause here" in text:
            recorded = f"m-{asked.number}" in self._paused
            self.hold("recorded_before_seen", recorded, f"{asked.number}: a pause unrecorded")
        if asked.decision == "warn" and asked.status == 200 and text:
            replaced = "can't talk about that here" in text  # for a minor: then it does not count
            self.hold("end_needs_prior_warning", mentions or replaced or ended == "error", text)

    # -- afterwards ---------------------------------------------------------------------------

    def all_is_there(self) -> None:
        """Nothing that was acknowledged is lost."""
        held = {encode(entry) for entry in self._database.entries}
        lost = [body for body in self._acknowledged if body not in held]
        self.hold("recorded_before_seen", not lost, f"{len(lost)} acknowledged entries are lost")
        told = {entry.node for entry in self._database.entries if entry.kind is EntryKind.END}
        self.hold("every_end_has_a_statement", told == set(self._database.ends), "locks, entries")


def _qualifying(chain: Sequence[tuple[NodeId, str, str]]) -> list[bool]:
    """Tell of each user message whether it qualifies, by what it truly is."""
    found: list[bool] = []
    for _, role, text in chain:
        if role == "user":
            words = set(text.split())
            plainly = bool(words & {"idiot", "bomb"})
            found.append(plainly or ("just" in words and found[-1:] == [True]))
    return found

-- The same tables as SQLite's, in a PostgreSQL schema of their own. Ids are BYTEA of 32 bytes.

-- Nodes of conversation paths, with the state of the path up to and including each.
CREATE TABLE nodes (
    node BYTEA NOT NULL PRIMARY KEY,
    parent BYTEA NOT NULL,
    root BYTEA NOT NULL,
    depth INTEGER NOT NULL,
    role TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    audience TEXT NOT NULL,
    state TEXT NOT NULL,
    knowledge INTEGER NOT NULL,
    assessment TEXT,
    delivered TEXT
);

CREATE INDEX nodes_of_root ON nodes (root, depth);

-- Ended nodes: inserted once, never deleted; a reversal sets reversed_at_ms. The closing reply is
-- UTF-8 in BYTEA, because TEXT takes no NUL.
CREATE TABLE ends (
    node BYTEA NOT NULL PRIMARY KEY,
    root BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    requested_by TEXT NOT NULL,
    statement TEXT NOT NULL,
    closing BYTEA NOT NULL,
    reversed_at_ms BIGINT
);

CREATE INDEX ends_reversed ON ends (reversed_at_ms) WHERE reversed_at_ms IS NOT NULL;

-- The ledger: append-only, positions from 0 without gaps.
CREATE TABLE entries (
    position BIGINT NOT NULL PRIMARY KEY,
    leaf_hash BYTEA NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    node BYTEA NOT NULL,
    body TEXT NOT NULL
);

-- Appeals against ends: at most one for each; what people wrote is encrypted, and can be erased.
CREATE TABLE appeals (
    node BYTEA NOT NULL PRIMARY KEY,
    filed_at_ms BIGINT NOT NULL,
    words BYTEA NOT NULL,
    acknowledged_at_ms BIGINT,
    decided_at_ms BIGINT,
    state TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    reason TEXT NOT NULL,
    answer BYTEA NOT NULL
);

-- What was written in ended conversations: only if the operator turned it on, encrypted, erasable.
CREATE TABLE evidence (
    node BYTEA NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);

-- Whoever writes holds this lock until its transaction has ended, so writers of all gateways come
-- one after the other: that is what gives the ledger one order without gaps, and what decides races.
-- Each write is one call of one function, so no gateway that dies or stalls can keep the lock.
CREATE FUNCTION take_turn() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock('entries'::regclass::oid::bigint)
$$;

-- Record an entry at the next position, unless it is recorded already.
CREATE FUNCTION enter(
    leaf_hash_ BYTEA, kind_ TEXT, at_ms_ BIGINT, node_ BYTEA, body_ TEXT
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO entries (position, leaf_hash, kind, at_ms, node, body)
    SELECT (SELECT coalesce(max(position), -1) + 1 FROM entries), $1, $2, $3, $4, $5
    ON CONFLICT (leaf_hash) DO NOTHING
$$;

-- Record turns, each all or nothing: arrays of nodes, of entries (one for each turn, from 0), and
-- of ends. No node, end or entry may occur twice. A turn whose end has another at its node before
-- it, in force or reversed, records nothing; those earlier ends are returned.
CREATE FUNCTION append_turns(
    node_turns INTEGER[], nodes_ BYTEA[], parents BYTEA[], roots BYTEA[], depths INTEGER[],
    roles TEXT[], policy_digests TEXT[], audiences TEXT[], states TEXT[], knowledges INTEGER[],
    assessments TEXT[], delivereds TEXT[],
    leaf_hashes BYTEA[], kinds TEXT[], ats_ms BIGINT[], entry_nodes BYTEA[], bodies TEXT[],
    end_turns INTEGER[], end_nodes BYTEA[], end_roots BYTEA[], ends_at_ms BIGINT[],
    requesters TEXT[], statements TEXT[], closings BYTEA[]
) RETURNS SETOF ends LANGUAGE plpgsql AS $$
DECLARE
    lost INTEGER[] := '{}';
BEGIN
    PERFORM take_turn();
    IF cardinality(end_turns) > 0 THEN
        RETURN QUERY SELECT * FROM ends WHERE node = ANY (end_nodes);
        lost := ARRAY(
            SELECT new.turn FROM unnest(end_turns, end_nodes) AS new (turn, node)
            JOIN ends USING (node)
        );
        INSERT INTO ends (node, root, at_ms, requested_by, statement, closing)
        SELECT node, root, at_ms, requested_by, statement, closing
        FROM unnest(
            end_turns, end_nodes, end_roots, ends_at_ms, requesters, statements, closings
        ) AS new (turn, node, root, at_ms, requested_by, statement, closing)
        WHERE turn <> ALL (lost);
    END IF;

    INSERT INTO nodes (
        node, parent, root, depth, role, policy_digest, audience, state, knowledge, assessment,
        delivered
    )
    SELECT
        new.node, parent, root, depth, role, policy_digest, audience, state, knowledge, assessment,
        delivered
    FROM unnest(
        node_turns, nodes_, parents, roots, depths, roles, policy_digests, audiences, states,
        knowledges, assessments, delivereds
    ) AS new (
        turn, node, parent, root, depth, role, policy_digest, audience, state, knowledge,
        assessment, delivered
    )
    WHERE turn <> ALL (lost)
    ON CONFLICT (node) DO UPDATE SET
        assessment = coalesce(nodes.assessment, excluded.assessment),
        delivered = coalesce(nodes.delivered, excluded.delivered),
        (policy_digest, audience, state, knowledge) = (
            SELECT
                CASE WHEN stale THEN excluded.policy_digest ELSE nodes.policy_digest END,
                CASE WHEN stale THEN excluded.audience ELSE nodes.audience END,
                CASE WHEN stale THEN excluded.state ELSE nodes.state END,
                CASE WHEN stale THEN excluded.knowledge ELSE nodes.knowledge END
            FROM (
                SELECT nodes.policy_digest <> excluded.policy_digest
                    OR nodes.audience <> excluded.audience
                    OR (excluded.knowledge & ~nodes.knowledge) <> 0 AS stale
            ) AS compared
        )
    WHERE nodes.policy_digest <> excluded.policy_digest
        OR nodes.audience <> excluded.audience
        OR (excluded.knowledge & ~nodes.knowledge) <> 0
        OR (nodes.assessment IS NULL AND excluded.assessment IS NOT NULL)
        OR (nodes.delivered IS NULL AND excluded.delivered IS NOT NULL);

    INSERT INTO entries (position, leaf_hash, kind, at_ms, node, body)
    SELECT
        (SELECT coalesce(max(position), -1) FROM entries) + row_number() OVER (ORDER BY turn),
        leaf_hash, kind, at_ms, node, body
    FROM unnest(leaf_hashes, kinds, ats_ms, entry_nodes, bodies) WITH ORDINALITY
        AS new (leaf_hash, kind, at_ms, node, body, turn)
    WHERE turn - 1 <> ALL (lost)
        AND NOT EXISTS (SELECT FROM entries WHERE entries.leaf_hash = new.leaf_hash);
END
$$;

-- Reverse the end at a node, which reopens it, and record the entry in any case; tell whether there
-- is such an end. One that was reversed before keeps the time it has.
CREATE FUNCTION reverse_end(
    node_ BYTEA, reversed_at_ms_ BIGINT,
    leaf_hash_ BYTEA, kind_ TEXT, at_ms_ BIGINT, entry_node BYTEA, body_ TEXT
) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    PERFORM take_turn();
    UPDATE ends SET reversed_at_ms = coalesce(reversed_at_ms, reversed_at_ms_) WHERE node = node_;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM enter(leaf_hash_, kind_, at_ms_, entry_node, body_);
    RETURN true;
END
$$;

-- Record a step of an appeal with its entry, if there is an end at its node and the appeal stands as
-- expected (NULL: there is none); return the appeal as it stands then. The state 'reversed' reverses
-- the end with it.
CREATE FUNCTION put_appeal(
    new appeals, expected TEXT,
    leaf_hash_ BYTEA, kind_ TEXT, at_ms_ BIGINT, entry_node BYTEA, body_ TEXT
) RETURNS SETOF appeals LANGUAGE plpgsql AS $$
DECLARE
    known appeals;
BEGIN
    PERFORM take_turn();
    IF NOT EXISTS (SELECT FROM ends WHERE node = new.node) THEN
        RETURN;
    END IF;
    SELECT * INTO known FROM appeals WHERE node = new.node;
    IF known.state IS DISTINCT FROM expected THEN
        IF known.node IS NOT NULL THEN
            RETURN NEXT known;
        END IF;
        RETURN;
    END IF;
    IF new.state = 'reversed' THEN
        UPDATE ends
        SET reversed_at_ms = coalesce(reversed_at_ms, new.decided_at_ms, new.filed_at_ms)
        WHERE node = new.node;
    END IF;
    PERFORM enter(leaf_hash_, kind_, at_ms_, entry_node, body_);
    DELETE FROM appeals WHERE node = new.node;
    INSERT INTO appeals SELECT new.*;
    RETURN NEXT new;
END
$$;

-- Nodes of conversation paths, with the state of the path up to and including each.
CREATE TABLE nodes (
    node BLOB NOT NULL PRIMARY KEY,
    parent BLOB NOT NULL,
    root BLOB NOT NULL,
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

-- Ended nodes: inserted once, never deleted; a reversal sets reversed_at_ms.
CREATE TABLE ends (
    node BLOB NOT NULL PRIMARY KEY,
    root BLOB NOT NULL,
    at_ms BIGINT NOT NULL,
    requested_by TEXT NOT NULL,
    statement TEXT NOT NULL,
    closing TEXT NOT NULL,
    reversed_at_ms BIGINT
);

-- The ledger: append-only, positions from 0 without gaps.
CREATE TABLE entries (
    position INTEGER NOT NULL PRIMARY KEY,
    leaf_hash BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    node BLOB NOT NULL,
    body TEXT NOT NULL
);

-- What was written in ended conversations: only if the operator turned it on, encrypted, erasable.
CREATE TABLE evidence (
    node BLOB NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    sealed BLOB NOT NULL
);

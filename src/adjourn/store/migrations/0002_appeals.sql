-- Appeals against ends: at most one for each; what people wrote is encrypted, and can be erased.
CREATE TABLE appeals (
    node BLOB NOT NULL PRIMARY KEY,
    filed_at_ms BIGINT NOT NULL,
    words BLOB NOT NULL,
    acknowledged_at_ms BIGINT,
    decided_at_ms BIGINT,
    state TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    reason TEXT NOT NULL,
    answer BLOB NOT NULL
);

-- What all processes on one store count together. Times are real.

-- The limits that were set stand in `meta`; this is how far they are used up.
CREATE TABLE rate_allowances (
    owner         TEXT    NOT NULL,
    operation     TEXT    NOT NULL,
    used_until_us INTEGER NOT NULL,
    PRIMARY KEY (owner, operation)
) STRICT, WITHOUT ROWID;

-- Requests that must not come again.
CREATE TABLE replay_marks (
    owner     TEXT    NOT NULL,
    signature TEXT    NOT NULL,
    until_s   INTEGER NOT NULL,
    PRIMARY KEY (owner, signature)
) STRICT, WITHOUT ROWID;

CREATE INDEX replay_marks_by_end ON replay_marks (until_s);

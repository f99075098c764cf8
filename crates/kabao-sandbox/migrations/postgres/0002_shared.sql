-- What all instances count together. Times are real.

-- The limits that were set stand in `meta`; this is how far they are used up,
-- and how many calls the last lease was given.
CREATE TABLE rate_allowances (
    owner         TEXT   NOT NULL,
    operation     TEXT   NOT NULL,
    used_until_us BIGINT NOT NULL,
    granted       BIGINT NOT NULL,
    PRIMARY KEY (owner, operation)
);

-- Requests that must not come again.
CREATE TABLE replay_marks (
    owner     TEXT   NOT NULL,
    signature TEXT   NOT NULL,
    until_s   BIGINT NOT NULL,
    PRIMARY KEY (owner, signature)
);

CREATE INDEX replay_marks_by_end ON replay_marks (until_s ASC);

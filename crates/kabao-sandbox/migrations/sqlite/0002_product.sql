-- The whole product: lists by state, activities, everything small (`records`),
-- and the notifications that are owed.

ALTER TABLE user_cards ADD COLUMN end_ms INTEGER;

UPDATE user_cards SET end_ms = CASE json_extract(document, '$.valid_date_information.type')
    WHEN 'FIX_TIME_RANGE' THEN CAST(round((julianday(
        json_extract(document, '$.valid_date_information.available_end_time')
    ) - 2440587.5) * 86400000) AS INTEGER)
    -- The end of the N-th day in China, the pickup day being the first.
    WHEN 'FIX_TERM' THEN ((pickup_ms + 28800000) / 86400000
        + json_extract(document, '$.valid_date_information.available_day_after_receive')
    ) * 86400000 - 28800000
END;

ALTER TABLE card_templates ADD COLUMN state TEXT NOT NULL DEFAULT 'CARD_EFFECTIVE';
ALTER TABLE card_templates ADD COLUMN create_ms INTEGER NOT NULL DEFAULT 0;

UPDATE card_templates SET
    state = ifnull(json_extract(document, '$.state'), 'CARD_EFFECTIVE'),
    create_ms = ifnull(CAST(round((julianday(
        json_extract(document, '$.create_time')) - 2440587.5) * 86400000) AS INTEGER), 0);

CREATE INDEX card_templates_by_age ON card_templates (brand_id, create_ms DESC, card_id);

CREATE TABLE activities (
    brand_id    TEXT    NOT NULL,
    activity_id TEXT    NOT NULL,
    card_id     TEXT    NOT NULL,
    begin_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    terminated  INTEGER NOT NULL,
    create_ms   INTEGER NOT NULL,
    document    TEXT    NOT NULL,
    PRIMARY KEY (brand_id, activity_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX activities_by_age ON activities (brand_id, create_ms DESC, activity_id);
CREATE INDEX activities_of_a_template ON activities (brand_id, card_id, create_ms DESC, activity_id);

-- What is only ever found by its name: request numbers, tokens, feeds, points,
-- exchanges, pictures.
CREATE TABLE records (
    brand_id TEXT NOT NULL,
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (brand_id, kind, id)
) STRICT, WITHOUT ROWID;

-- The outbox. `body` is sealed (vault.rs); times are of the sandbox's clock, but
-- `leased_until_ms`, which is real.
CREATE TABLE notifications (
    brand_id        TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    card_id         TEXT,
    event_type      TEXT    NOT NULL,
    notify_url      TEXT    NOT NULL,
    scheme          TEXT    NOT NULL,
    identity        TEXT    NOT NULL,
    body            BLOB    NOT NULL,
    create_ms       INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    attempts        TEXT    NOT NULL,
    next_attempt_ms INTEGER,
    leased_until_ms INTEGER,
    PRIMARY KEY (brand_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX notifications_due ON notifications (next_attempt_ms) WHERE next_attempt_ms IS NOT NULL;
CREATE INDEX notifications_by_age ON notifications (create_ms DESC, id);
CREATE INDEX notifications_by_id ON notifications (id);

-- Every key begins with the tenant (a brand, the owner of a key, or `platform`),
-- so that engines that shard by it can take over; no sequence, no constraint
-- across tenants. `personal`, `secret` and `body` are sealed (vault.rs). Times
-- are milliseconds since 1970.
--
-- `version` is a random number, another with each change: whoever saves what it
-- has read names the version that it read. Were it counted, a row that was
-- deleted and made again could be taken for the old one.

CREATE TABLE meta (
    owner TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner, name)
);

CREATE TABLE keys (
    owner           TEXT   NOT NULL,
    purpose         TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    position        BIGINT NOT NULL,
    certificate_pem TEXT,
    secret          BYTEA  NOT NULL,
    PRIMARY KEY (owner, purpose, id)
);

CREATE TABLE grants (
    brand_id TEXT NOT NULL,
    mchid    TEXT NOT NULL,
    PRIMARY KEY (brand_id, mchid)
);

CREATE TABLE card_templates (
    brand_id         TEXT   NOT NULL,
    card_id          TEXT   NOT NULL,
    created_by_mchid TEXT,
    state            TEXT   NOT NULL,
    create_ms        BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    document         TEXT   NOT NULL,
    PRIMARY KEY (brand_id, card_id)
);

CREATE INDEX card_templates_by_age ON card_templates (brand_id, create_ms DESC, card_id);

CREATE TABLE user_cards (
    brand_id       TEXT   NOT NULL,
    card_id        TEXT   NOT NULL,
    user_card_code TEXT   NOT NULL,
    openid         TEXT   NOT NULL,
    pickup_ms      BIGINT NOT NULL,
    end_ms         BIGINT,
    state          TEXT   NOT NULL,
    version        BIGINT NOT NULL,
    document       TEXT   NOT NULL,
    personal       BYTEA,
    PRIMARY KEY (brand_id, card_id, user_card_code)
);

-- Of two who give a user a card of the same template at once, one is refused.
CREATE UNIQUE INDEX user_cards_live ON user_cards (brand_id, card_id, openid)
    WHERE state <> 'INVALID';

CREATE INDEX user_cards_of_a_user ON user_cards (brand_id, openid, pickup_ms DESC);

CREATE TABLE activities (
    brand_id    TEXT    NOT NULL,
    activity_id TEXT    NOT NULL,
    card_id     TEXT    NOT NULL,
    begin_ms    BIGINT  NOT NULL,
    end_ms      BIGINT  NOT NULL,
    terminated  BOOLEAN NOT NULL,
    create_ms   BIGINT  NOT NULL,
    version     BIGINT  NOT NULL,
    document    TEXT    NOT NULL,
    PRIMARY KEY (brand_id, activity_id)
);

CREATE INDEX activities_by_age ON activities (brand_id, create_ms DESC, activity_id);
CREATE INDEX activities_of_a_template ON activities (brand_id, card_id, create_ms DESC, activity_id);

-- What is only ever found by its name: request numbers, tokens, feeds, points,
-- exchanges, pictures.
CREATE TABLE records (
    brand_id TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    document TEXT   NOT NULL,
    PRIMARY KEY (brand_id, kind, id)
);

-- The outbox. Times are of the sandbox's clock, but `leased_until_ms`, which is
-- real.
CREATE TABLE notifications (
    brand_id        TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    card_id         TEXT,
    event_type      TEXT   NOT NULL,
    notify_url      TEXT   NOT NULL,
    scheme          TEXT   NOT NULL,
    identity        TEXT   NOT NULL,
    body            BYTEA  NOT NULL,
    create_ms       BIGINT NOT NULL,
    state           TEXT   NOT NULL,
    attempts        TEXT   NOT NULL,
    next_attempt_ms BIGINT,
    leased_until_ms BIGINT,
    version         BIGINT NOT NULL,
    PRIMARY KEY (brand_id, id)
);

-- ASC, for YugabyteDB would otherwise scatter them.
CREATE INDEX notifications_due ON notifications (next_attempt_ms ASC) WHERE next_attempt_ms IS NOT NULL;
CREATE INDEX notifications_by_age ON notifications (create_ms DESC, id);
CREATE INDEX notifications_by_id ON notifications (id);

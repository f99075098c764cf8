-- Every key begins with the tenant (a brand, or the owner of a key), as in the
-- stores that shard by it. `personal` and `secret` are sealed (vault.rs).

CREATE TABLE user_cards (
    brand_id       TEXT    NOT NULL,
    card_id        TEXT    NOT NULL,
    user_card_code TEXT    NOT NULL,
    openid         TEXT    NOT NULL,
    pickup_ms      INTEGER NOT NULL,
    state          TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    document       TEXT    NOT NULL,
    personal       BLOB,
    PRIMARY KEY (brand_id, card_id, user_card_code)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_cards_of_a_user ON user_cards (brand_id, openid, pickup_ms DESC);

CREATE TABLE card_templates (
    brand_id         TEXT NOT NULL,
    card_id          TEXT NOT NULL,
    created_by_mchid TEXT,
    document         TEXT NOT NULL,
    PRIMARY KEY (brand_id, card_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    brand_id TEXT NOT NULL,
    mchid    TEXT NOT NULL,
    PRIMARY KEY (brand_id, mchid)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    owner           TEXT    NOT NULL,
    purpose         TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    position        INTEGER NOT NULL,
    certificate_pem TEXT,
    secret          BLOB    NOT NULL,
    PRIMARY KEY (owner, purpose, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- pre-deploy
-- How mails to a list fared: a campaign's or a supplier's.
CREATE TABLE list_counts (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0,
    bounced INTEGER NOT NULL DEFAULT 0,
    complained INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (name, kind)
) STRICT, WITHOUT ROWID;

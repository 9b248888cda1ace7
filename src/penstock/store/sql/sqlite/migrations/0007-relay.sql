-- pre-deploy
-- What a client of the relay said of a mail: who it is, MAIL FROM, and what it wants to hear of it (RFC 3461).
-- `told`: 0 nothing was said yet, 1 of a delay, 2 of the end.
CREATE TABLE submissions (
    mail INTEGER PRIMARY KEY REFERENCES mails (seq),
    client TEXT NOT NULL,
    sender TEXT NOT NULL,
    at INTEGER NOT NULL,
    tag TEXT NOT NULL DEFAULT '',
    notify TEXT NOT NULL DEFAULT '',
    orcpt TEXT NOT NULL DEFAULT '',
    envelope_id TEXT NOT NULL DEFAULT '',
    returned TEXT NOT NULL DEFAULT '',
    told INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX submissions_untold ON submissions (mail) WHERE told < 2 AND notify <> '';

-- Submissions that may be handed in again under the same key, each with the SHA-256 of what came first.
CREATE TABLE submission_keys (
    client TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    mails TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (client, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX submission_keys_at ON submission_keys (at);

-- An octet string of length 0 in bodies.data: the message lies in a file beside the store, by its digest.
CREATE INDEX mails_body ON mails (body) WHERE body IS NOT NULL;

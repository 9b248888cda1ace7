-- pre-deploy
-- Which mails an ESP was given, and under which id it knows them; '' where it never told one.
CREATE TABLE handed (
    mail INTEGER NOT NULL REFERENCES mails (seq),
    adapter TEXT NOT NULL,
    receipt TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (mail, adapter)
) STRICT, WITHOUT ROWID;
CREATE INDEX handed_receipt ON handed (receipt) WHERE receipt <> '';
CREATE INDEX handed_at ON handed (adapter, at);

-- Webhook calls as they came in, until they are old; `digest` is the SHA-256 of the body. `state`: new, read, unreadable.
CREATE TABLE webhook_calls (
    seq INTEGER PRIMARY KEY,
    adapter TEXT NOT NULL,
    mark TEXT NOT NULL,
    digest BLOB NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'read', 'unreadable')),
    body BLOB NOT NULL,
    UNIQUE (adapter, mark)
) STRICT;
CREATE INDEX webhook_calls_new ON webhook_calls (seq) WHERE state = 'new';
CREATE INDEX webhook_calls_at ON webhook_calls (at);

-- What ESPs told of our mails, each event once.
CREATE TABLE events (
    adapter TEXT NOT NULL,
    key TEXT NOT NULL,
    mail INTEGER NOT NULL REFERENCES mails (seq),
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (adapter, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_mail ON events (mail, at);

-- How often what came back from an adapter, and when last.
CREATE TABLE return_counts (
    adapter TEXT NOT NULL,
    what TEXT NOT NULL,
    number INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (adapter, what)
) STRICT, WITHOUT ROWID;

-- What became of a mail after it was accepted, the gravest of all events.
ALTER TABLE mails ADD COLUMN fate TEXT;

-- pre-deploy
-- Times are microseconds since 1970-01-01T00:00Z, but for the queue and the rates (seconds, like the machine's clock)
-- and the ledger (ISO 8601 text, as in its rows). Keys of persons and companies are keyed hashes of 32 octets.
-- Hashes scatter over an index, and each new one costs a page of its own in a large store: a new person costs one, a new
-- mail another; all else is told apart by running numbers, so that the mails of one transaction lie on few pages.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A person is kept as long as there is a contact or a mail of it: an opt-out link must work years later. `keys` are all
-- the keys of the person and the company, see penstock.store.identities.
CREATE TABLE identities (
    id INTEGER PRIMARY KEY,
    person BLOB NOT NULL UNIQUE,
    keys BLOB NOT NULL
) STRICT;

-- The keys of a person but `person` itself. Most have none: an address and its forms are mostly the same.
CREATE TABLE identity_keys (
    person_key BLOB NOT NULL,
    identity INTEGER NOT NULL REFERENCES identities (id),
    PRIMARY KEY (person_key, identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_keys_identity ON identity_keys (identity);

CREATE TABLE contacts (
    identity INTEGER PRIMARY KEY REFERENCES identities (id),
    id TEXT NOT NULL UNIQUE,
    record BLOB NOT NULL,
    imported_at INTEGER NOT NULL
) STRICT;

CREATE TABLE suppressions (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    subject TEXT,
    origin TEXT NOT NULL
) STRICT;

CREATE TABLE suppression_keys (
    key BLOB NOT NULL,
    entry INTEGER NOT NULL REFERENCES suppressions (seq) ON DELETE CASCADE,
    PRIMARY KEY (key, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX suppression_keys_entry ON suppression_keys (entry);

CREATE TABLE templates (
    digest TEXT PRIMARY KEY,
    source TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE campaigns (
    seq INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL,
    record BLOB NOT NULL,
    first_seen INTEGER NOT NULL
) STRICT;

CREATE TABLE campaign_states (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'cancelled')),
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that were handed in ready-made, as they came.
CREATE TABLE bodies (
    digest BLOB PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- Companies and organisations by the first 64 bits of their keys as a number; should two of millions ever share one, they
-- share a cap. `id` runs with the mails, so that those to be counted by it lie side by side.
CREATE TABLE units (
    mark INTEGER PRIMARY KEY,
    id INTEGER NOT NULL
) STRICT;

-- `id` are the 16 octets of a mail id, `company` and `organisation` the ids of units.
CREATE TABLE mails (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    campaign INTEGER REFERENCES campaigns (seq),
    step TEXT NOT NULL,
    contact_id TEXT,
    identity INTEGER NOT NULL REFERENCES identities (id),
    company INTEGER,
    organisation INTEGER,
    stream TEXT NOT NULL,
    controller TEXT NOT NULL,
    lane TEXT NOT NULL,
    body BLOB REFERENCES bodies (digest),
    recipient TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'begun', 'accepted', 'failed', 'uncertain', 'held', 'blocked',
                                         'deferred', 'cancelled', 'rejected')),
    code TEXT,
    until INTEGER,
    held_codes TEXT NOT NULL DEFAULT '',
    waived TEXT NOT NULL DEFAULT '',
    decided TEXT,
    begun_at INTEGER,
    touched_at INTEGER,
    accepted_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    offered TEXT,
    notice TEXT,
    outcome TEXT,
    outcome_at INTEGER
) STRICT;
CREATE INDEX mails_step ON mails (step, seq);
CREATE INDEX mails_identity ON mails (identity);
CREATE INDEX mails_company_touched ON mails (company, touched_at) WHERE touched_at IS NOT NULL AND company IS NOT NULL;
CREATE INDEX mails_organisation_touched ON mails (organisation, touched_at)
    WHERE touched_at IS NOT NULL AND organisation IS NOT NULL;
CREATE INDEX mails_begun ON mails (seq) WHERE state = 'begun';
CREATE INDEX mails_held ON mails (seq) WHERE state = 'held';
CREATE INDEX mails_uncertain ON mails (seq) WHERE state = 'uncertain';

-- Why a person released or dropped a mail, or lifted a suppression, in that person's words; `about` is its id. Erasable, so never part of the ledger.
CREATE TABLE remarks (
    id INTEGER PRIMARY KEY,
    about TEXT NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;
CREATE INDEX remarks_about ON remarks (about);

CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mail_id TEXT,
    at TEXT NOT NULL,
    code TEXT,
    row BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;

CREATE TABLE ledger_mails (
    mail INTEGER NOT NULL REFERENCES mails (seq),
    seq INTEGER NOT NULL REFERENCES ledger (seq),
    PRIMARY KEY (mail, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_batches (
    batch INTEGER PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    before BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;

-- The values a decision used, by the ledger row that holds their digest. Erasable.
CREATE TABLE snapshots (
    seq INTEGER PRIMARY KEY REFERENCES ledger (seq),
    record BLOB NOT NULL
) STRICT;

CREATE TRIGGER ledger_keeps_rows BEFORE UPDATE ON ledger
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_loses_no_row BEFORE DELETE ON ledger
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_mails_keeps_rows BEFORE UPDATE ON ledger_mails
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_mails_loses_no_row BEFORE DELETE ON ledger_mails
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_keeps_batches BEFORE UPDATE ON ledger_batches
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_loses_no_batch BEFORE DELETE ON ledger_batches
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;

-- `id` is the running number of the mail. Nobody leases a ticket before lease_until: a worker holds it (held = 1), or its
-- lane waits for our own pace. A new ticket's fence begins anywhere, so that a claim on an earlier one does not fit.
CREATE TABLE tickets (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    due REAL NOT NULL,
    lease_until REAL NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_due ON tickets (due, id);
CREATE INDEX tickets_lane ON tickets (lane);

CREATE TABLE rates (
    key TEXT NOT NULL,
    rate TEXT NOT NULL,
    tat REAL NOT NULL,
    PRIMARY KEY (key, rate)
) STRICT, WITHOUT ROWID;
CREATE INDEX rates_tat ON rates (tat);

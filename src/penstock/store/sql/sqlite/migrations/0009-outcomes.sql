-- pre-deploy
-- Who is told of outcomes, and up to where. `mark` is the SHA-256 (hex) of the address. A batch that was begun ends at
-- `upto` and keeps its `message` id until it was taken. `next_at` and `lease_until` are seconds of the machine's clock,
-- `told_at` and `failed_at` microseconds.
CREATE TABLE outcome_receivers (
    name TEXT PRIMARY KEY,
    mark TEXT NOT NULL,
    after_seq INTEGER NOT NULL,
    after_number INTEGER NOT NULL DEFAULT 0,
    upto_seq INTEGER,
    upto_number INTEGER,
    message TEXT NOT NULL DEFAULT '',
    tries INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0,
    told_at INTEGER,
    failed_at INTEGER,
    fault TEXT NOT NULL DEFAULT '',
    stopped INTEGER NOT NULL DEFAULT 0,
    holder TEXT NOT NULL DEFAULT '',
    lease_until REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

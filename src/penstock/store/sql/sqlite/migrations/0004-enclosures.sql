-- pre-deploy
-- Files that go with letters, by the SHA-256 (hex) of their octets: campaigns name them, no mail holds them.
CREATE TABLE enclosures (
    digest TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

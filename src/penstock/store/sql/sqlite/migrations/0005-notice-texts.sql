-- pre-deploy
-- The legal texts that may leave, with their octets: as the package shipped them, or as a person approved them.
-- The newest row of a language is the one in force; older ones stay, because mails name their text by its digest.
CREATE TABLE notice_texts (
    seq INTEGER PRIMARY KEY,
    language TEXT NOT NULL,
    id TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    reviewed_by TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    source BLOB NOT NULL
) STRICT;
CREATE INDEX notice_texts_newest ON notice_texts (language, seq);

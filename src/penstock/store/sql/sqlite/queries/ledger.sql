-- name: insert_row
INSERT INTO ledger (seq, batch, kind, mail_id, at, code, row, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: insert_of_mail
INSERT INTO ledger_mails (mail, seq) SELECT mails.seq, ?2 FROM mails WHERE id = ?1

-- name: insert_batch
INSERT INTO ledger_batches (batch, first_seq, last_seq, key_id, before, digest) VALUES (?, ?, ?, ?, ?, ?)

-- name: deciding
SELECT mails.id, state, decided FROM carray(?) CROSS JOIN mails ON mails.id = carray.value

-- name: decide
UPDATE mails SET state = ?2, code = ?3, until = ?4, held_codes = ?5, decided = ?6 WHERE id = ?1

-- name: beginning
SELECT mails.id, mails.seq, state, attempts FROM carray(?) CROSS JOIN mails ON mails.id = carray.value

-- name: begin
UPDATE mails
SET state = 'begun', begun_at = coalesce(begun_at, ?5), touched_at = ?2, attempts = attempts + 1, payload = ?3,
    offered = ?4, redirected = ?6, code = NULL, until = NULL, decided = NULL, outcome = NULL, outcome_at = NULL
WHERE seq = ?1

-- name: insert_snapshot
INSERT INTO snapshots (seq, record) VALUES (?, ?)

-- name: ending
SELECT mails.id, mails.seq, state, attempts FROM carray(?) CROSS JOIN mails ON mails.id = carray.value
WHERE state IN ('begun', 'uncertain')

-- name: end_accepted
UPDATE mails
SET state = 'accepted', accepted_at = ?2, notice = offered, outcome = 'accepted', outcome_at = ?2
WHERE seq = ?1

-- name: end_uncertain
UPDATE mails SET state = 'uncertain', outcome = 'uncertain', outcome_at = ?2 WHERE seq = ?1

-- name: end_failed
UPDATE mails SET state = 'failed', touched_at = NULL, code = ?3, outcome = 'failed', outcome_at = ?2 WHERE seq = ?1

-- name: end_try_later
UPDATE mails
SET state = 'queued', touched_at = NULL, code = ?3, until = ?4, attempts = attempts - ?5, outcome = 'try_later',
    outcome_at = ?2
WHERE seq = ?1

-- name: rows
SELECT seq, batch, kind, mail_id, at, code, row FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?

-- name: rows_of_mail
SELECT ledger.seq, batch, kind, mail_id, at, ledger.code, row
FROM mails JOIN ledger_mails ON ledger_mails.mail = mails.seq JOIN ledger ON ledger.seq = ledger_mails.seq
WHERE mails.id = ?
ORDER BY ledger.seq

-- name: rows_of_no_mail
SELECT seq, batch, kind, mail_id, at, code, row FROM ledger WHERE mail_id = ? ORDER BY seq

-- name: rows_of_person
SELECT seq, batch, kind, mail_id, at, code, row FROM ledger
WHERE seq IN (
    SELECT ledger_mails.seq FROM carray(?)
    CROSS JOIN identity_keys ON identity_keys.person_key = carray.value
    CROSS JOIN mails ON mails.identity = identity_keys.identity
    CROSS JOIN ledger_mails ON ledger_mails.mail = mails.seq)
ORDER BY seq

-- name: batches_to_verify
SELECT batch, first_seq, last_seq, key_id, before, digest FROM ledger_batches WHERE batch > ? ORDER BY batch LIMIT ?

-- name: unlisted
SELECT ledger.seq FROM ledger JOIN mails ON mails.id = ledger.mail_id
WHERE ledger.seq > ?1 AND ledger.seq <= ?2
  AND NOT EXISTS (SELECT 1 FROM ledger_mails WHERE ledger_mails.mail = mails.seq AND ledger_mails.seq = ledger.seq)
ORDER BY ledger.seq LIMIT 1

-- name: rows_to_verify
SELECT seq, batch, kind, mail_id, at, code, row, digest FROM ledger WHERE seq > ? AND seq <= ? ORDER BY seq

-- name: stray_rows
SELECT min(seq) FROM ledger WHERE seq < 1 OR seq > ?

-- name: insert_row
INSERT INTO ledger (seq, batch, kind, mail_id, at, code, row, digest) VALUES /*rows*/ (?, ?, ?, ?, ?, ?, ?, ?)

-- name: insert_of_mail
INSERT INTO ledger_mails (mail, seq) VALUES /*rows*/ (?, ?)

-- name: mail_numbers
SELECT json_group_array(json_array(carray.value, mails.seq))
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)

-- name: insert_batch
INSERT INTO ledger_batches (batch, first_seq, last_seq, key_id, before, digest) VALUES (?, ?, ?, ?, ?, ?)

-- name: deciding
SELECT json_group_array(json_array(carray.value, seq, state, decided))
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)

-- name: decide
UPDATE mails
SET state = said.column2, code = said.column3, until = said.column4, held_codes = said.column5, decided = said.column6
FROM (VALUES /*rows*/ (?, ?, ?, ?, ?, ?)) AS said WHERE seq = said.column1

-- name: beginning
SELECT json_group_array(json_array(carray.value, mails.seq, state, attempts))
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)

-- name: begin
UPDATE mails
SET state = 'begun', begun_at = coalesce(begun_at, now.column2), touched_at = now.column3, attempts = attempts + 1,
    offered = now.column4, redirected = now.column5, code = NULL, until = NULL, decided = NULL, outcome = NULL,
    outcome_at = NULL, fate = NULL
FROM (VALUES /*rows*/ (?, ?, ?, ?, ?)) AS now WHERE seq = now.column1

-- name: insert_snapshot
INSERT INTO snapshots (seq, record) VALUES /*rows*/ (?, ?)

-- name: ending
SELECT json_group_array(json_array(carray.value, mails.seq, state, attempts, coalesce(touched_at, 0), fate))
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)
WHERE state IN ('begun', 'uncertain')

-- name: end_accepted
UPDATE mails
SET state = 'accepted', accepted_at = ?2, outcome = 'accepted', outcome_at = ?2,
    notice = iif(fate IN ('bounced_soft', 'bounced_policy', 'bounced_hard'), NULL, offered)
WHERE seq IN (SELECT value FROM carray(?1))

-- name: end_uncertain
UPDATE mails SET state = 'uncertain', outcome = 'uncertain', outcome_at = ?2 WHERE seq IN (SELECT value FROM carray(?1))

-- name: end_failed
UPDATE mails SET state = 'failed', touched_at = NULL, code = ended.column2, outcome = 'failed', outcome_at = ended.column3
FROM (VALUES /*rows*/ (?, ?, ?)) AS ended WHERE seq = ended.column1

-- name: end_try_later
UPDATE mails
SET state = 'queued', touched_at = NULL, code = ended.column2, until = ended.column3,
    attempts = attempts - ended.column4, begun_at = iif(attempts > ended.column4, begun_at, NULL),
    outcome = 'try_later', outcome_at = ended.column5
FROM (VALUES /*rows*/ (?, ?, ?, ?, ?)) AS ended WHERE seq = ended.column1

-- name: end_cancelled
UPDATE mails SET state = 'cancelled', until = NULL WHERE seq IN (SELECT value FROM carray(?))

-- name: ticket_again
INSERT INTO tickets (id, lane, due, fence)
SELECT mails.seq, mails.lane, again.column2, random() & 0x3fffffffffffffff
FROM (VALUES /*rows*/ (?, ?)) AS again JOIN mails ON mails.seq = again.column1
WHERE true
ON CONFLICT (id) DO UPDATE SET due = excluded.due, lease_until = 0, held = 0, ready = 0, fence = fence + 1

-- name: rows
SELECT seq, batch, kind, mail_id, at, code, row FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?

-- name: rows_of_mail
SELECT ledger.seq, batch, kind, mail_id, at, ledger.code, row
FROM mails JOIN ledger_mails ON ledger_mails.mail = mails.seq JOIN ledger ON ledger.seq = ledger_mails.seq
WHERE mails.id = unhex(?)
ORDER BY ledger.seq

-- name: rows_of_no_mail
SELECT seq, batch, kind, mail_id, at, code, row FROM ledger WHERE mail_id = ? ORDER BY seq

-- name: rows_of_person
SELECT seq, batch, kind, mail_id, at, code, row FROM ledger
WHERE seq IN (
    SELECT ledger_mails.seq FROM mails CROSS JOIN ledger_mails ON ledger_mails.mail = mails.seq
    WHERE mails.identity IN (
        SELECT identities.id FROM carray(?1) CROSS JOIN identities ON identities.person = carray.value
        UNION ALL
        SELECT identity_keys.identity FROM carray(?1)
        CROSS JOIN identity_keys ON identity_keys.person_key = carray.value))
ORDER BY seq

-- name: batches_to_verify
SELECT batch, first_seq, last_seq, key_id, before, digest FROM ledger_batches WHERE batch > ? ORDER BY batch LIMIT ?

-- name: unlisted
SELECT ledger.seq FROM ledger JOIN mails ON mails.id = unhex(ledger.mail_id)
WHERE ledger.seq > ?1 AND ledger.seq <= ?2
  AND NOT EXISTS (SELECT 1 FROM ledger_mails WHERE ledger_mails.mail = mails.seq AND ledger_mails.seq = ledger.seq)
ORDER BY ledger.seq LIMIT 1

-- name: rows_to_verify
SELECT seq, batch, kind, mail_id, at, code, row, digest FROM ledger WHERE seq > ? AND seq <= ? ORDER BY seq

-- name: stray_rows
SELECT min(seq) FROM ledger WHERE seq < 1 OR seq > ?

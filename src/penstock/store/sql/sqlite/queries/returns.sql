-- name: known_call
SELECT digest FROM webhook_calls WHERE adapter = ? AND mark = ?

-- name: save_call
INSERT INTO webhook_calls (adapter, mark, digest, at, body) VALUES (?, ?, ?, ?, ?)

-- name: new_calls
SELECT seq, adapter, at, body FROM webhook_calls
WHERE state = 'new' AND adapter IN (SELECT value FROM carray(?2)) ORDER BY seq LIMIT ?1

-- name: read_again
UPDATE webhook_calls SET state = 'new' WHERE state = 'unreadable' AND adapter IN (SELECT value FROM carray(?))

-- name: close_call
UPDATE webhook_calls SET state = ?2 WHERE seq = ?1

-- name: forget_calls
DELETE FROM webhook_calls WHERE at < ? AND state <> 'new'

-- name: count
INSERT INTO return_counts (adapter, what, number, last_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (adapter, what) DO UPDATE
SET number = number + excluded.number, last_at = excluded.last_at

-- name: counts
SELECT adapter, what, number, last_at FROM return_counts ORDER BY adapter, what

-- name: hand
INSERT INTO handed (mail, adapter, receipt, at) VALUES /*rows*/ (?, ?, ?, ?)
ON CONFLICT (mail, adapter) DO UPDATE SET receipt = iif(excluded.receipt = '', receipt, excluded.receipt), at = excluded.at

-- name: mail_by_id
SELECT mails.seq, lower(hex(mails.id)), step, state, attempts, redirected, fate, i.person, i.keys,
       (SELECT json_group_array(handed.adapter) FROM handed WHERE handed.mail = mails.seq), contacts.record
FROM mails JOIN identities AS i ON i.id = mails.identity LEFT JOIN contacts ON contacts.identity = mails.identity
WHERE mails.id = unhex(?)

-- name: mail_by_receipt
SELECT mails.seq, lower(hex(mails.id)), step, state, attempts, redirected, fate, i.person, i.keys,
       (SELECT json_group_array(handed.adapter) FROM handed WHERE handed.mail = mails.seq), contacts.record
FROM handed JOIN mails ON mails.seq = handed.mail
JOIN identities AS i ON i.id = mails.identity LEFT JOIN contacts ON contacts.identity = mails.identity
WHERE handed.receipt = ?2 AND handed.receipt <> '' AND handed.adapter = ?1

-- name: told_before
SELECT EXISTS (SELECT 1 FROM events WHERE mail = ? AND kind = ?)

-- name: add_event
INSERT OR IGNORE INTO events (adapter, key, mail, kind, at, words) VALUES (?, ?, ?, ?, ?, ?)

-- name: events_of_mail
SELECT kind, at, adapter, words FROM events WHERE mail = (SELECT seq FROM mails WHERE id = unhex(?)) ORDER BY at, key

-- name: fate
SELECT fate FROM mails WHERE id = unhex(?)

-- name: set_fate
UPDATE mails SET fate = ?2 WHERE seq = ?1

-- name: was_sent
UPDATE mails
SET state = 'accepted', accepted_at = coalesce(touched_at, begun_at, ?2),
    touched_at = iif(redirected, NULL, coalesce(touched_at, begun_at, ?2)), notice = offered, outcome = 'accepted',
    outcome_at = ?2, code = NULL, until = NULL
WHERE seq = ?1

-- name: was_not_sent
UPDATE mails
SET state = 'failed', touched_at = NULL, accepted_at = NULL, notice = NULL, outcome = 'failed', outcome_at = ?2
WHERE seq = ?1

-- name: read_or_not
UPDATE mails SET notice = iif(?2, offered, NULL) WHERE seq = ?1 AND state = 'accepted'

-- name: drop_ticket
DELETE FROM tickets WHERE id = ?

-- name: doubts
SELECT seq, lower(hex(id)), step, fate FROM mails
WHERE state = 'uncertain' AND fate IS NOT NULL AND fate <> 'unknown' LIMIT 500

-- name: open_door
INSERT OR IGNORE INTO return_counts (adapter, what, number, last_at) VALUES (?, 'door', 1, ?)

-- name: silence
SELECT told.at, EXISTS (SELECT 1 FROM handed WHERE adapter = ?1 AND at > told.at AND at <= ?2),
       EXISTS (SELECT 1 FROM handed WHERE adapter = ?1 AND at > ?3)
FROM (
    SELECT max(last_at) AS at FROM return_counts
    WHERE adapter = ?1 AND what IN ('door', 'told') AND last_at <= ?4) AS told
WHERE told.at IS NOT NULL

-- name: were_handed
SELECT json_group_array(DISTINCT json_array(known.place, mails.controller))
FROM (
    SELECT carray.rowid AS place, identities.id AS identity
    FROM carray(?1) CROSS JOIN identities ON identities.person = carray.value
    UNION ALL
    SELECT carray.rowid, identity_keys.identity
    FROM carray(?1) CROSS JOIN identity_keys ON identity_keys.person_key = carray.value) AS known
CROSS JOIN mails ON mails.identity = known.identity AND NOT mails.redirected
CROSS JOIN handed ON handed.mail = mails.seq AND handed.adapter = ?2

-- name: known
SELECT id, state, redirected FROM carray(?) CROSS JOIN mails ON mails.id = carray.value

-- name: insert
INSERT INTO mails (id, campaign, step, contact_id, identity, company, organisation, stream, controller, lane,
                   body, recipient, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')

-- name: insert_body
INSERT OR IGNORE INTO bodies (digest, data) VALUES (?, ?)

-- name: queue_again
UPDATE mails
SET campaign = ?2, contact_id = ?3, identity = ?4, lane = ?5, body = ?6, recipient = ?7,
    state = 'queued', code = NULL, until = NULL, redirected = 0, outcome = NULL, outcome_at = NULL,
    accepted_at = iif(redirected, NULL, accepted_at), begun_at = iif(redirected, NULL, begun_at),
    attempts = iif(redirected, 0, attempts)
WHERE id = ?1

-- name: ticket
INSERT INTO tickets (mail_id, lane, due) VALUES (?, ?, ?)
ON CONFLICT (mail_id) DO UPDATE
SET lane = excluded.lane, due = excluded.due, lease_until = 0, held = 0, fence = fence + 1

-- name: drop_ticket
DELETE FROM tickets WHERE mail_id = ?

-- name: load
SELECT mails.id, mails.campaign, contacts.record, mails.contact_id, mails.stream, mails.controller, mails.state,
       mails.begun_at, mails.attempts, mails.waived, bodies.data, mails.recipient
FROM carray(?) CROSS JOIN mails ON mails.id = carray.value
LEFT JOIN contacts ON contacts.id = mails.contact_id
LEFT JOIN bodies ON bodies.digest = mails.body

-- name: identity_of
SELECT i.person, i.person_keys, i.company_keys, i.company, i.organisation
FROM mails JOIN identities AS i ON i.id = mails.identity
WHERE mails.id = ?

-- name: own
SELECT mails.id, seq, accepted_at, waived FROM carray(?) CROSS JOIN mails ON mails.id = carray.value

-- name: person_touches
SELECT carray.value, mails.id, mails.touched_at
FROM carray(?1) CROSS JOIN identities ON identities.person = carray.value
CROSS JOIN mails ON mails.seq IN (
    SELECT near.seq FROM mails AS near
    WHERE near.identity = identities.id AND near.touched_at >= ?2
    ORDER BY near.touched_at DESC LIMIT ?3)

-- name: company_touches
SELECT carray.value, mails.id, mails.touched_at
FROM carray(?1) CROSS JOIN companies ON companies.key = carray.value
CROSS JOIN mails ON mails.seq IN (
    SELECT near.seq FROM mails AS near
    WHERE near.company = companies.id AND near.touched_at >= ?2
    ORDER BY near.touched_at DESC LIMIT ?3)

-- name: organisation_touches
SELECT carray.value, mails.id, mails.touched_at
FROM carray(?1) CROSS JOIN companies ON companies.key = carray.value
CROSS JOIN mails ON mails.seq IN (
    SELECT near.seq FROM mails AS near
    WHERE near.organisation = companies.id AND near.touched_at >= ?2
    ORDER BY near.touched_at DESC LIMIT ?3)

-- name: noticed
SELECT DISTINCT carray.value, mails.controller
FROM carray(?) CROSS JOIN identities ON identities.person = carray.value
CROSS JOIN mails ON mails.identity = identities.id
WHERE mails.notice IS NOT NULL

-- name: twins
SELECT carray.value, mails.step, mails.id, mails.seq, mails.state
FROM carray(?1)
CROSS JOIN identity_keys ON identity_keys.person_key = carray.value
CROSS JOIN mails ON mails.identity = identity_keys.identity
WHERE mails.step IN (SELECT steps.value FROM carray(?2) AS steps)
  AND mails.state IN ('accepted', 'begun', 'uncertain', 'queued', 'deferred')
ORDER BY mails.seq

-- name: waiting
SELECT mails.id, state, code,
       coalesce(CAST(1000000 * max(tickets.due, iif(held, 0, lease_until + ?4)) AS INTEGER), until),
       outcome, contact_id, step
FROM mails LEFT JOIN tickets ON tickets.mail_id = mails.id
WHERE step = ?1 AND seq > coalesce((SELECT seq FROM mails WHERE id = ?2), 0)
  AND state IN ('queued', 'deferred', 'begun')
ORDER BY seq LIMIT ?3

-- name: states
SELECT id, state, code, until, outcome, contact_id, step FROM mails
WHERE step = ?1 AND seq > coalesce((SELECT seq FROM mails WHERE id = ?2), 0)
ORDER BY seq LIMIT ?3

-- name: stranded
SELECT mails.id, mails.step, mails.lane FROM mails LEFT JOIN tickets ON tickets.mail_id = mails.id
WHERE mails.state = 'begun' AND coalesce(tickets.lease_until, 0) <= ?

-- name: recover_again
UPDATE mails SET state = 'queued', touched_at = NULL WHERE id = ?

-- name: recover_uncertain
UPDATE mails SET state = 'uncertain', outcome = 'uncertain', outcome_at = ?2 WHERE id = ?1

-- name: held
SELECT id, state, code, until, outcome, contact_id, step FROM mails
WHERE state = 'held' AND seq > coalesce((SELECT seq FROM mails WHERE id = ?1), 0)
ORDER BY seq LIMIT ?2

-- name: uncertain
SELECT id, state, code, until, outcome, contact_id, step FROM mails
WHERE state = 'uncertain' AND seq > coalesce((SELECT seq FROM mails WHERE id = ?1), 0)
ORDER BY seq LIMIT ?2

-- name: to_release
SELECT id, step, lane, held_codes, waived FROM carray(?) CROSS JOIN mails ON mails.id = carray.value WHERE state = 'held'

-- name: release
UPDATE mails SET state = 'queued', code = NULL, until = NULL, decided = NULL, held_codes = '', waived = ?2 WHERE id = ?1

-- name: to_drop
SELECT id, step, code FROM carray(?) CROSS JOIN mails ON mails.id = carray.value
WHERE state IN ('queued', 'held', 'blocked', 'deferred', 'rejected', 'failed')

-- name: drop
UPDATE mails SET state = 'cancelled', until = NULL WHERE id = ?

-- name: to_resolve
SELECT id, step, lane FROM mails WHERE id = ? AND state = 'uncertain'

-- name: resolve_sent
UPDATE mails
SET state = 'accepted', accepted_at = coalesce(touched_at, ?2), notice = offered, outcome = 'accepted', outcome_at = ?2
WHERE id = ?1

-- name: resolve_not_sent
UPDATE mails SET state = 'queued', touched_at = NULL, outcome = NULL, outcome_at = NULL WHERE id = ?1

-- name: remark
INSERT INTO remarks (about, at, action, why) VALUES (?, ?, ?, ?)

-- name: remarks_of
SELECT at, action, why FROM remarks WHERE about = ? ORDER BY id

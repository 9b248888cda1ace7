-- name: known
-- The last column: some of it may have left already, or a worker has loaded it.
SELECT json_group_array(json_array(carray.value, seq, state, redirected, hex(body), client,
                                   attempts > 0 OR coalesce(held = 1, 0)))
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)
LEFT JOIN submissions ON submissions.mail = seq LEFT JOIN tickets ON tickets.id = seq

-- name: last
SELECT coalesce(max(seq), 0) FROM mails

-- name: insert
INSERT INTO mails (state, seq, id, campaign, step, contact_id, identity, company, organisation, stream, controller,
                   lane, body, recipient)
VALUES /*rows*/ ('queued', ?, unhex(?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: insert_body
INSERT OR IGNORE INTO bodies (digest, data) VALUES (?, ?)

-- name: hand_in
-- A mail that is handed in once more is told of once more.
INSERT INTO submissions (told, mail, client, sender, at, tag, notify, orcpt, envelope_id, returned)
VALUES /*rows*/ (0, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (mail) DO UPDATE
SET client = excluded.client, sender = excluded.sender, at = excluded.at, tag = excluded.tag, notify = excluded.notify,
    orcpt = excluded.orcpt, envelope_id = excluded.envelope_id, returned = excluded.returned, told = 0

-- name: key
SELECT request, mails FROM submission_keys WHERE client = ? AND key = ?

-- name: insert_key
INSERT INTO submission_keys (client, key, request, mails, at) VALUES (?, ?, ?, ?, ?)

-- name: forget_keys
DELETE FROM submission_keys WHERE at < ?

-- name: handed_in
SELECT submissions.client, mails.stream, mails.recipient, lower(hex(mails.id)), state, code, until, outcome, contact_id, step
FROM mails JOIN submissions ON submissions.mail = mails.seq WHERE mails.id = unhex(?)

-- name: to_forget
-- Ready-made messages that went, or will not go, and were handed in before that time; cancelled ones were told of since.
SELECT json_group_array(json_array(seq, hex(body)))
FROM (SELECT seq, body FROM mails
      WHERE body IS NOT NULL AND state IN ('accepted', 'failed', 'cancelled', 'blocked', 'rejected')
        AND coalesce(outcome_at, (SELECT at FROM submissions WHERE mail = seq), touched_at, 0) < ?1
        AND (state <> 'cancelled' OR outcome_at IS NOT NULL OR coalesce((
                SELECT ledger.at FROM ledger_mails CROSS JOIN ledger ON ledger.seq = ledger_mails.seq
                WHERE ledger_mails.mail = mails.seq ORDER BY ledger_mails.seq DESC LIMIT 1), '') < ?3)
        AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.id = mails.seq)
      LIMIT ?2)

-- name: forget_message
UPDATE mails SET body = NULL, recipient = NULL WHERE seq IN (SELECT value FROM carray(?))

-- name: forget_submission
UPDATE submissions SET sender = '', orcpt = '', envelope_id = '', notify = '' WHERE mail IN (SELECT value FROM carray(?))

-- name: forget_bodies
DELETE FROM bodies
WHERE digest IN (SELECT unhex(value) FROM carray(?))
  AND NOT EXISTS (SELECT 1 FROM mails WHERE mails.body = bodies.digest)

-- name: named_bodies
SELECT json_group_array(carray.value) FROM carray(?)
WHERE unhex(carray.value) IN (SELECT digest FROM bodies)

-- name: held_too_long
-- Handed in before that time (microseconds), and nothing was said of it since then (as text).
SELECT json_group_array(lower(hex(id)))
FROM (SELECT id FROM mails CROSS JOIN submissions ON submissions.mail = mails.seq
      WHERE state = 'held' AND submissions.at < ?1
        AND coalesce((
            SELECT ledger.at FROM ledger_mails CROSS JOIN ledger ON ledger.seq = ledger_mails.seq
            WHERE ledger_mails.mail = mails.seq ORDER BY ledger_mails.seq DESC LIMIT 1), '') < ?2
      LIMIT ?3)

-- name: queue_again
UPDATE mails
SET campaign = again.column2, contact_id = again.column3, identity = again.column4, lane = again.column5,
    body = again.column6, recipient = again.column7, company = again.column8, organisation = again.column9,
    stream = again.column10, controller = again.column11,
    state = 'queued', code = NULL, until = NULL, redirected = 0, outcome = NULL, outcome_at = NULL,
    accepted_at = iif(redirected, NULL, accepted_at), begun_at = iif(redirected, NULL, begun_at),
    attempts = iif(redirected, 0, attempts)
FROM (VALUES /*rows*/ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) AS again WHERE seq = again.column1

-- name: plan_anew
-- What waits goes as the campaign says now, not as it said when the mail was planned first.
UPDATE mails
SET campaign = anew.column2, contact_id = anew.column3, identity = anew.column4, body = anew.column6,
    recipient = anew.column7, company = anew.column8, organisation = anew.column9, stream = anew.column10,
    controller = anew.column11
FROM (VALUES /*rows*/ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) AS anew WHERE seq = anew.column1 AND state = 'queued'

-- name: ticket
-- What a person lets go on waits anew from then on (the last column); what a dead process left does not.
INSERT INTO tickets (id, lane, due, since, fence)
SELECT column1, column2, column3, iif(column4 AND mails.recipient IS NOT NULL, column3, NULL),
       random() & 0x3fffffffffffffff
FROM (VALUES /*rows*/ (?, ?, ?, ?)) AS new CROSS JOIN mails ON mails.seq = new.column1
WHERE true
ON CONFLICT (id) DO UPDATE
SET lane = excluded.lane, due = excluded.due, lease_until = 0, held = 0, flow = 0, ready = 0, fence = fence + 1,
    since = coalesce(excluded.since, since)

-- name: ticket_in
INSERT INTO tickets (id, lane, due, flow, ready, since, fence)
VALUES /*rows*/ (?, ?, ?, ?, ?, ?, random() & 0x3fffffffffffffff)
ON CONFLICT (id) DO UPDATE
SET lane = excluded.lane, due = excluded.due, lease_until = 0, held = 0, flow = excluded.flow, ready = excluded.ready,
    since = excluded.since, fence = fence + 1

-- name: flow
SELECT id FROM flows WHERE way = ? AND controller = ? AND urgent = ?

-- name: add_flow
INSERT INTO flows (way, controller, urgent) VALUES (?, ?, ?)

-- name: drop_tickets
DELETE FROM tickets WHERE id IN (SELECT value FROM carray(?))

-- name: load
SELECT json_group_array(json_array(carray.value, campaign, contact_id, stream, controller, state, begun_at, attempts,
                                   waived, recipient, sender, tag, body IS NOT NULL)),
       '[' || group_concat(coalesce(CAST(contacts.record AS TEXT), 'null'), ',') || ']'
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)
-- Who was handed in before anything was known of him or her may have been imported since.
LEFT JOIN contacts ON contacts.identity = mails.identity
    AND (contacts.id = mails.contact_id OR (mails.contact_id IS NULL AND mails.campaign IS NOT NULL))
LEFT JOIN submissions ON submissions.mail = mails.seq

-- name: load_bodies
SELECT carray.value, digest, data FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)
CROSS JOIN bodies ON bodies.digest = mails.body

-- name: identity_of
SELECT i.person, i.keys FROM mails JOIN identities AS i ON i.id = mails.identity WHERE mails.id = unhex(?)

-- name: own
SELECT json_group_array(json_array(carray.value, accepted_at, waived))
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)
WHERE accepted_at IS NOT NULL OR waived <> ''

-- name: person_touches
SELECT json_group_array(json_array(carray.rowid, lower(hex(mails.id)), mails.touched_at))
FROM carray(?1) CROSS JOIN identities ON identities.person = carray.value
CROSS JOIN mails ON mails.seq IN (
    SELECT near.seq FROM mails AS near
    WHERE near.identity = identities.id AND near.touched_at >= ?2 AND near.stream NOT IN ('transactional', 'notice')
    ORDER BY near.touched_at DESC LIMIT ?3)
WHERE EXISTS (SELECT 1 FROM mails AS any WHERE any.identity = identities.id AND any.touched_at >= ?2)

-- name: company_touches
SELECT json_group_array(json_array(carray.rowid, lower(hex(mails.id)), mails.touched_at))
FROM carray(?1) CROSS JOIN units ON units.mark = carray.value
CROSS JOIN mails ON mails.seq IN (
    SELECT near.seq FROM mails AS near
    WHERE near.company = units.id AND near.touched_at >= ?2 AND near.stream NOT IN ('transactional', 'notice')
    ORDER BY near.touched_at DESC LIMIT ?3)
WHERE EXISTS (SELECT 1 FROM mails AS any WHERE any.company = units.id AND any.touched_at >= ?2)

-- name: organisation_touches
SELECT json_group_array(json_array(carray.rowid, lower(hex(mails.id)), mails.touched_at))
FROM carray(?1) CROSS JOIN units ON units.mark = carray.value
CROSS JOIN mails ON mails.seq IN (
    SELECT near.seq FROM mails AS near
    WHERE near.organisation = units.id AND near.touched_at >= ?2 AND near.stream NOT IN ('transactional', 'notice')
    ORDER BY near.touched_at DESC LIMIT ?3)
WHERE EXISTS (SELECT 1 FROM mails AS any WHERE any.organisation = units.id AND any.touched_at >= ?2)

-- name: noticed
SELECT json_group_array(DISTINCT json_array(carray.rowid, mails.controller))
FROM carray(?) CROSS JOIN identities ON identities.person = carray.value
CROSS JOIN mails ON mails.identity = identities.id
WHERE mails.notice IS NOT NULL

-- name: twins
-- Asked with a key of 32 octets and the id of the mail that asks: whose own key it is, and who else has it.
WITH asked (place, person_key, asking) AS (
    SELECT carray.rowid, substr(carray.value, 1, 32), unhex(CAST(substr(carray.value, 33) AS TEXT)) FROM carray(?1)),
sharing (place, asking, identity) AS (
    SELECT place, asking, identities.id
    FROM asked CROSS JOIN identities ON identities.person = asked.person_key
    UNION ALL
    SELECT place, asking, identity_keys.identity
    FROM asked CROSS JOIN identity_keys ON identity_keys.person_key = asked.person_key)
SELECT json_group_array(json_array(place, mails.step, lower(hex(mails.id)), mails.state,
                                   mails.seq < (SELECT own.seq FROM mails AS own WHERE own.id = asking))
                        ORDER BY mails.seq)
FROM sharing CROSS JOIN mails ON mails.identity = sharing.identity
WHERE mails.id IS NOT asking
  AND mails.step IN (SELECT steps.value FROM carray(?2) AS steps)
  AND mails.state IN ('accepted', 'begun', 'uncertain', 'queued', 'deferred')

-- name: waiting
SELECT lower(hex(mails.id)), state, code,
       coalesce(CAST(1000000 * max(tickets.due, iif(held, 0, lease_until + ?4)) AS INTEGER), until),
       outcome, contact_id, step
FROM mails LEFT JOIN tickets ON tickets.id = mails.seq
WHERE step = ?1 AND seq > coalesce((SELECT seq FROM mails WHERE id = unhex(?2)), 0)
  AND state IN ('queued', 'deferred', 'begun')
ORDER BY seq LIMIT ?3

-- name: states
SELECT lower(hex(id)), state, code, until, outcome, contact_id, step FROM mails
WHERE step = ?1 AND seq > coalesce((SELECT seq FROM mails WHERE id = unhex(?2)), 0)
ORDER BY seq LIMIT ?3

-- name: stranded
SELECT mails.seq, lower(hex(mails.id)), mails.step, mails.lane FROM mails LEFT JOIN tickets ON tickets.id = mails.seq
WHERE mails.state = 'begun' AND coalesce(tickets.lease_until, 0) <= ?

-- name: recover_again
UPDATE mails SET state = 'queued', touched_at = NULL WHERE seq = ?

-- name: recover_uncertain
UPDATE mails SET state = 'uncertain', outcome = 'uncertain', outcome_at = ?2 WHERE seq = ?1

-- name: held
SELECT lower(hex(id)), state, code, until, outcome, contact_id, step FROM mails
WHERE state = 'held' AND seq > coalesce((SELECT seq FROM mails WHERE id = unhex(?1)), 0)
ORDER BY seq LIMIT ?2

-- name: uncertain
SELECT lower(hex(id)), state, code, until, outcome, contact_id, step FROM mails
WHERE state = 'uncertain' AND seq > coalesce((SELECT seq FROM mails WHERE id = unhex(?1)), 0)
ORDER BY seq LIMIT ?2

-- name: to_release
SELECT seq, lower(hex(id)), step, lane, held_codes, waived
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value) WHERE state = 'held'

-- name: release
UPDATE mails SET state = 'queued', code = NULL, until = NULL, decided = NULL, held_codes = '', waived = ?2 WHERE seq = ?1

-- name: to_drop
SELECT seq, lower(hex(id)), step, code FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)
WHERE state IN ('queued', 'held', 'blocked', 'deferred', 'rejected', 'failed')

-- name: drop
UPDATE mails SET state = 'cancelled', until = NULL WHERE seq = ?

-- name: to_resolve
SELECT seq, step, lane FROM mails WHERE id = unhex(?) AND state = 'uncertain'

-- name: resolve_sent
UPDATE mails
SET state = 'accepted', accepted_at = coalesce(touched_at, ?2), notice = offered, outcome = 'accepted', outcome_at = ?2
WHERE seq = ?1

-- name: resolve_not_sent
UPDATE mails SET state = 'queued', touched_at = NULL, begun_at = NULL, outcome = NULL, outcome_at = NULL WHERE seq = ?1

-- name: remark
INSERT INTO remarks (about, at, action, why) VALUES (?, ?, ?, ?)

-- name: remarks_of
SELECT at, action, why FROM remarks WHERE about = ? ORDER BY id

-- name: of_contacts
SELECT json_group_array(lower(hex(mails.id)))
FROM carray(?) CROSS JOIN contacts ON contacts.id = carray.value CROSS JOIN mails ON mails.identity = contacts.identity

-- name: asked
SELECT json_group_array(json_array(carray.value, touched_at))
FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value) WHERE touched_at IS NOT NULL

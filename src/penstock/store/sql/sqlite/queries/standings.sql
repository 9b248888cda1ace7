-- name: standings
SELECT s.id, s.state, s.approval, s.approved_by, s.first_begun_at
FROM carray(?) CROSS JOIN campaign_states AS s ON s.id = carray.value

-- name: set_state
INSERT INTO campaign_states (id, state, changed_at) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at
WHERE state <> excluded.state

-- name: set_approval
INSERT INTO campaign_states (id, state, changed_at, approval, approved_by) VALUES (?1, 'active', ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET approval = excluded.approval, approved_by = excluded.approved_by

-- name: set_first_begun
INSERT INTO campaign_states (id, state, changed_at, first_begun_at) VALUES (?1, 'active', ?2, ?2)
ON CONFLICT (id) DO UPDATE SET first_begun_at = coalesce(first_begun_at, excluded.first_begun_at)

-- name: counts
SELECT step, state, count(*) FROM carray(?) CROSS JOIN mails ON mails.step = carray.value GROUP BY step, state

-- name: drop_tickets
DELETE FROM tickets
WHERE id IN (SELECT seq FROM mails WHERE step = ? AND state IN ('queued', 'held', 'deferred'))

-- name: cancel
UPDATE mails SET state = 'cancelled', until = NULL
WHERE step = ? AND state IN ('queued', 'held', 'deferred')

-- name: to_resume
SELECT seq, lane FROM mails WHERE step = ? AND state = 'held' AND instr(held_codes, 'CAMPAIGN_PAUSED')

-- name: resume
UPDATE mails SET state = 'queued', code = NULL, until = NULL, decided = NULL, held_codes = ''
WHERE seq IN (SELECT value FROM carray(?))

-- name: unknown
SELECT json_group_array(id) FROM (SELECT id FROM tickets WHERE flow = 0 ORDER BY id LIMIT ?)

-- name: without_mail
DELETE FROM tickets
WHERE id IN (SELECT value FROM carray(?)) AND NOT EXISTS (SELECT 1 FROM mails WHERE mails.seq = tickets.id)

-- name: add_flows
INSERT OR IGNORE INTO flows (way, controller, urgent)
SELECT DISTINCT substr(tickets.lane, 1, instr(tickets.lane, '/') - 1), mails.controller,
                mails.stream IN ('transactional', 'notice')
FROM carray(?) CROSS JOIN tickets ON tickets.id = carray.value CROSS JOIN mails ON mails.seq = tickets.id

-- name: place
UPDATE tickets
SET flow = (SELECT flows.id FROM mails CROSS JOIN flows
            ON flows.way = substr(tickets.lane, 1, instr(tickets.lane, '/') - 1)
               AND flows.controller = mails.controller
               AND flows.urgent = (mails.stream IN ('transactional', 'notice'))
            WHERE mails.seq = tickets.id),
    since = coalesce(since, (
        SELECT max(submissions.at, iif(state = 'deferred', coalesce(until, 0), 0)) / 1e6
        FROM submissions CROSS JOIN mails ON mails.seq = submissions.mail WHERE submissions.mail = tickets.id))
WHERE id IN (SELECT value FROM carray(?))

-- name: promote
UPDATE tickets SET ready = 1, lease_until = 0, held = 0
WHERE id IN (
    SELECT id FROM (SELECT id FROM tickets WHERE ready = 0 AND held = 1 AND lease_until <= ?2 LIMIT ?3)
    UNION ALL
    SELECT id FROM (SELECT id FROM tickets WHERE ready = 0 AND held = 0 AND lease_until = 0 AND due <= ?1
                    ORDER BY due LIMIT ?3)
    UNION ALL
    SELECT id FROM (SELECT id FROM tickets WHERE ready = 0 AND held = 0 AND lease_until > 0 AND lease_until <= ?2
                    ORDER BY lease_until LIMIT ?3)
    UNION ALL
    SELECT id FROM (SELECT id FROM tickets WHERE ready = 0 AND held = 2 AND lease_until <= ?2 AND due <= ?1 LIMIT ?3))

-- name: flows
WITH RECURSIVE found (id) AS (
    SELECT min(flow) FROM tickets INDEXED BY tickets_ready WHERE ready = 1
    UNION ALL
    SELECT (SELECT min(flow) FROM tickets INDEXED BY tickets_ready WHERE ready = 1 AND flow > found.id)
    FROM found WHERE found.id IS NOT NULL)
SELECT json_group_array(json_array(flows.id, way, urgent, turn, cursor))
FROM found CROSS JOIN flows ON flows.id = found.id
WHERE ?1 IS NULL OR way = ?1

-- name: clocks
SELECT json_group_array(json_array(way, turn)) FROM (SELECT way, max(turn) AS turn FROM flows GROUP BY way)

-- name: first
SELECT json_group_array(json_array(due, id, lane))
FROM (SELECT due, id, lane FROM tickets INDEXED BY tickets_ready
      WHERE ready = 1 AND flow = ?1 AND lease_until <= ?2 ORDER BY due, id LIMIT ?3)

-- name: lanes
WITH RECURSIVE found (lane, number) AS (
    SELECT min(lane), 1 FROM tickets INDEXED BY tickets_ready_lane WHERE ready = 1 AND flow = ?1 AND lane > ?2
    UNION ALL
    SELECT (SELECT min(lane) FROM tickets INDEXED BY tickets_ready_lane
            WHERE ready = 1 AND flow = ?1 AND lane > found.lane), number + 1
    FROM found WHERE found.lane IS NOT NULL AND number < ?3)
SELECT json_group_array(lane) FROM found WHERE lane IS NOT NULL

-- name: first_of_lane
SELECT json_group_array(json_array(due, id, lane))
FROM (SELECT due, id, lane FROM tickets INDEXED BY tickets_ready_lane
      WHERE ready = 1 AND flow = ?1 AND lane = ?2 AND lease_until <= ?3 ORDER BY due LIMIT ?4)

-- name: serve
UPDATE flows SET turn = ?2, cursor = ?3 WHERE id = ?1

-- name: among
SELECT json_group_array(json_array(due, id))
FROM (SELECT due, tickets.id
      FROM carray(?4) CROSS JOIN mails ON mails.id = unhex(carray.value) CROSS JOIN tickets ON tickets.id = mails.seq
      WHERE (ready = 1 OR due <= ?1) AND lease_until <= ?2 ORDER BY due, tickets.id LIMIT ?3)

-- name: expired
-- What a rule puts off is not waiting for its way out.
SELECT json_group_array(json_array(since, id))
FROM (SELECT since, id FROM tickets
      WHERE since <= ?2 AND (since, id) > (?3, ?4) AND lease_until <= ?1
        AND NOT EXISTS (SELECT 1 FROM mails WHERE mails.seq = tickets.id AND state = 'deferred' AND until > ?6)
      ORDER BY since, id LIMIT ?5)

-- name: details
SELECT json_group_array(json_array(tickets.id, lower(hex(mails.id)), tickets.lane, fence, since))
FROM carray(?) CROSS JOIN tickets ON tickets.id = carray.value CROSS JOIN mails ON mails.seq = tickets.id

-- name: lease
UPDATE tickets SET lease_until = ?2, held = 1, ready = 0, fence = fence + 1 WHERE id IN (SELECT value FROM carray(?1))

-- name: renew
UPDATE tickets SET lease_until = ?2, held = 1, ready = 0
FROM json_each(?1) AS held WHERE tickets.id = held.value ->> 0 AND fence = held.value ->> 1

-- name: done
DELETE FROM tickets
WHERE id IN (SELECT own.id FROM json_each(?) AS held
             CROSS JOIN tickets AS own ON own.id = held.value ->> 0 AND own.fence = held.value ->> 1)

-- name: give_back
-- What a rule puts off does not grow older meanwhile.
UPDATE tickets
SET due = back.value ->> 2,
    since = iif(since IS NOT NULL AND back.value ->> 2 > ?2
                    AND (SELECT state FROM mails WHERE mails.seq = tickets.id) = 'deferred',
                since + (back.value ->> 2) - ?2, since),
    lease_until = iif(back.value ->> 3 > ?3, back.value ->> 3, 0),
    held = iif(back.value ->> 3 > ?3 AND back.value ->> 2 > ?2, 2, 0),
    ready = flow > 0 AND back.value ->> 2 <= ?2 AND back.value ->> 3 <= ?3
FROM json_each(?1) AS back WHERE tickets.id = back.value ->> 0 AND fence = back.value ->> 1

-- name: postpone
UPDATE tickets SET lease_until = ?3, held = 0, ready = 0
WHERE id IN (SELECT tickets.id FROM flows CROSS JOIN tickets INDEXED BY tickets_ready_lane
             ON ready = 1 AND tickets.flow = flows.id AND lane = ?2
             WHERE flows.way = ?1 LIMIT ?4)

-- name: ready_now
SELECT EXISTS (SELECT 1 FROM tickets WHERE ready = 1)

-- name: ready_in
SELECT min(seconds) FROM (
    SELECT min(due) - ?1 AS seconds FROM tickets WHERE ready = 0 AND held = 0 AND lease_until = 0
    UNION ALL
    SELECT min(lease_until) - ?2 FROM tickets WHERE ready = 0 AND held = 0 AND lease_until > 0
    UNION ALL
    SELECT min(lease_until) - ?2 FROM tickets WHERE ready = 0 AND held = 1
    UNION ALL
    SELECT min(max(due - ?1, lease_until - ?2)) FROM tickets WHERE ready = 0 AND held = 2)

-- name: ready_in_among
SELECT min(iif(ready = 1, 0, max(due - ?1, lease_until - ?2)))
FROM carray(?3) CROSS JOIN mails ON mails.id = unhex(carray.value) CROSS JOIN tickets ON tickets.id = mails.seq

-- name: ways
WITH RECURSIVE found (id) AS (
    SELECT min(flow) FROM tickets INDEXED BY tickets_ready WHERE ready = 1
    UNION ALL
    SELECT (SELECT min(flow) FROM tickets INDEXED BY tickets_ready WHERE ready = 1 AND flow > found.id)
    FROM found WHERE found.id IS NOT NULL),
waiting (lane) AS (
    SELECT lane FROM (SELECT lane FROM tickets WHERE ready = 0 AND held = 1 AND lease_until <= ?2 LIMIT 20)
    UNION
    SELECT lane FROM (SELECT lane FROM tickets WHERE ready = 0 AND held = 0 AND lease_until = 0 AND due <= ?1 LIMIT 20)
    UNION
    SELECT lane FROM (SELECT lane FROM tickets
                      WHERE ready = 0 AND held = 0 AND lease_until > 0 AND lease_until <= ?2 LIMIT 20)
    UNION
    SELECT lane FROM (SELECT lane FROM tickets
                      WHERE ready = 0 AND held = 2 AND lease_until <= ?2 AND due <= ?1 LIMIT 20))
SELECT json_group_array(way) FROM (
    SELECT way FROM found CROSS JOIN flows ON flows.id = found.id
    UNION
    SELECT substr(lane, 1, instr(lane, '/') - 1) FROM waiting)

-- name: depth
SELECT count(*) FROM tickets

-- name: page
SELECT tickets.id, lower(hex(mails.id)), tickets.lane, due, held = 1 AND lease_until > ?1
FROM tickets JOIN mails ON mails.seq = tickets.id
WHERE tickets.id > ?2 AND (?4 IS NULL OR tickets.lane = ?4) ORDER BY tickets.id LIMIT ?3

-- name: retry
UPDATE tickets SET due = ?2, lease_until = 0, held = 0, ready = flow > 0
WHERE (held <> 1 OR lease_until <= ?3)
  AND id IN (SELECT mails.seq FROM carray(?1) CROSS JOIN mails ON mails.id = unhex(carray.value))

-- name: drop
DELETE FROM tickets
WHERE id IN (SELECT mails.seq FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value))

-- name: too_far
UPDATE tickets SET lease_until = ?1
WHERE id IN (
    SELECT id FROM tickets WHERE ready = 0 AND held = 1 AND lease_until > ?1 + ?2
    UNION ALL
    SELECT id FROM (SELECT id FROM tickets WHERE ready = 0 AND held = 0 AND lease_until > ?1 + ?2 LIMIT ?3)
    UNION ALL
    SELECT id FROM (SELECT id FROM tickets WHERE ready = 0 AND held = 2 AND lease_until > ?1 + ?2 LIMIT ?3))

-- name: mail_window
SELECT max(seq) FROM (SELECT seq FROM mails WHERE seq > ?1 ORDER BY seq LIMIT ?2)

-- name: ticket_window
SELECT max(id) FROM (SELECT id FROM tickets WHERE id > ?1 ORDER BY id LIMIT ?2)

-- name: lost
SELECT json_group_array(seq) FROM mails
WHERE seq > ?1 AND seq <= ?2 AND (state = 'queued' OR (state = 'deferred' AND until IS NOT NULL))
  AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.id = mails.seq)

-- name: find
INSERT OR IGNORE INTO tickets (id, lane, due, fence)
SELECT seq, lane, iif(state = 'deferred', until / 1e6, ?2), random() & 0x3fffffffffffffff
FROM carray(?1) CROSS JOIN mails ON mails.seq = carray.value
WHERE state = 'queued' OR (state = 'deferred' AND until IS NOT NULL)

-- name: useless
SELECT json_group_array(tickets.id) FROM tickets LEFT JOIN mails ON mails.seq = tickets.id
WHERE tickets.id > ?1 AND tickets.id <= ?2 AND lease_until <= ?3
  AND coalesce(mails.state, 'gone') IN ('gone', 'accepted', 'failed', 'uncertain', 'cancelled')

-- name: clear
DELETE FROM tickets
WHERE id IN (SELECT value FROM carray(?1)) AND lease_until <= ?2
  AND NOT EXISTS (SELECT 1 FROM mails WHERE mails.seq = tickets.id
                  AND state NOT IN ('accepted', 'failed', 'uncertain', 'cancelled'))

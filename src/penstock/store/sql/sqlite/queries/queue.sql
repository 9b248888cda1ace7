-- name: ready
SELECT json_group_array(json_array(due, id, (SELECT lower(hex(mails.id)) FROM mails WHERE seq = ready.id), lane, fence))
FROM (SELECT due, id, lane, fence FROM tickets WHERE due <= ?1 AND lease_until <= ?2 ORDER BY due, id LIMIT ?3) AS ready

-- name: ready_among
SELECT json_group_array(json_array(due, id, (SELECT lower(hex(mails.id)) FROM mails WHERE seq = ready.id), lane, fence))
FROM (SELECT due, tickets.id, tickets.lane, fence
      FROM carray(?4) CROSS JOIN mails ON mails.id = unhex(carray.value) CROSS JOIN tickets ON tickets.id = mails.seq
      WHERE due <= ?1 AND lease_until <= ?2 ORDER BY due, tickets.id LIMIT ?3) AS ready

-- name: lease
UPDATE tickets SET lease_until = ?2, held = 1, fence = fence + 1 WHERE id IN (SELECT value FROM carray(?1))

-- name: renew
UPDATE tickets SET lease_until = ?2
FROM json_each(?1) AS held WHERE tickets.id = held.value ->> 0 AND fence = held.value ->> 1

-- name: done
DELETE FROM tickets
WHERE id IN (SELECT own.id FROM json_each(?) AS held
             CROSS JOIN tickets AS own ON own.id = held.value ->> 0 AND own.fence = held.value ->> 1)

-- name: give_back
UPDATE tickets SET due = back.value ->> 2, lease_until = back.value ->> 3, held = 0
FROM json_each(?) AS back WHERE tickets.id = back.value ->> 0 AND fence = back.value ->> 1

-- name: postpone
UPDATE tickets SET lease_until = ?2, held = 0
WHERE lane = ?1 AND lease_until < ?2 AND (held = 0 OR lease_until <= ?3)

-- name: ready_now
SELECT EXISTS (SELECT 1 FROM tickets WHERE due <= ?1 AND lease_until <= ?2)

-- name: ready_in
SELECT min(max(due - ?1, lease_until - ?2)) FROM tickets

-- name: ready_in_among
SELECT min(max(due - ?1, lease_until - ?2))
FROM carray(?3) CROSS JOIN mails ON mails.id = unhex(carray.value) CROSS JOIN tickets ON tickets.id = mails.seq

-- name: depth
SELECT count(*) FROM tickets

-- name: page
SELECT tickets.id, lower(hex(mails.id)), tickets.lane, due, held = 1 AND lease_until > ?1
FROM tickets JOIN mails ON mails.seq = tickets.id
WHERE tickets.id > ?2 ORDER BY tickets.id LIMIT ?3

-- name: retry
UPDATE tickets SET due = ?2, lease_until = 0, held = 0
WHERE (held = 0 OR lease_until <= ?3)
  AND id IN (SELECT mails.seq FROM carray(?1) CROSS JOIN mails ON mails.id = unhex(carray.value))

-- name: drop
DELETE FROM tickets
WHERE id IN (SELECT mails.seq FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value))

-- name: lease
UPDATE tickets SET lease_until = ?2, held = 1, fence = fence + 1
WHERE id IN (SELECT id FROM tickets WHERE due <= ?1 AND lease_until <= ?3 ORDER BY due, id LIMIT ?4)
RETURNING due, id, mail_id, lane, fence

-- name: renew
UPDATE tickets SET lease_until = ?3 WHERE id = ?1 AND fence = ?2

-- name: done
DELETE FROM tickets WHERE id = ?1 AND fence = ?2

-- name: give_back
UPDATE tickets SET due = ?3, lease_until = ?4, held = 0 WHERE id = ?1 AND fence = ?2

-- name: postpone
UPDATE tickets SET lease_until = ?2, held = 0
WHERE lane = ?1 AND lease_until < ?2 AND (held = 0 OR lease_until <= ?3)

-- name: ready_now
SELECT EXISTS (SELECT 1 FROM tickets WHERE due <= ?1 AND lease_until <= ?2)

-- name: ready_in
SELECT min(max(due - ?1, lease_until - ?2)) FROM tickets

-- name: depth
SELECT count(*) FROM tickets

-- name: page
SELECT id, mail_id, lane, due, held = 1 AND lease_until > ?1 FROM tickets WHERE id > ?2 ORDER BY id LIMIT ?3

-- name: retry
UPDATE tickets SET due = ?2, lease_until = 0, held = 0
WHERE (held = 0 OR lease_until <= ?3) AND mail_id IN (SELECT value FROM carray(?1))

-- name: drop
DELETE FROM tickets WHERE mail_id IN (SELECT value FROM carray(?))

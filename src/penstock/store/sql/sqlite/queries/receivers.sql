-- name: open
INSERT INTO outcome_receivers (name, mark, after_seq, after_number)
VALUES (?1, ?2, iif(?3, 0, (SELECT coalesce(max(seq), 0) FROM ledger)), ?4)
ON CONFLICT (name) DO UPDATE
SET mark = excluded.mark, stopped = 0, tries = 0, next_at = 0, fault = ''
WHERE mark <> excluded.mark

-- name: states
SELECT name, after_seq, after_number, upto_seq, upto_number, message, tries, next_at, told_at, failed_at, fault, stopped,
       holder, lease_until
FROM outcome_receivers ORDER BY name

-- name: head
SELECT coalesce(max(seq), 0) FROM ledger

-- name: begin
UPDATE outcome_receivers
SET holder = ?2, lease_until = ?3, upto_seq = ?6, upto_number = ?7,
    message = iif(upto_seq IS NULL, ?8, message)
WHERE name = ?1 AND (holder = ?2 OR lease_until <= ?9 OR lease_until > ?10) AND stopped = 0
  AND after_seq = ?4 AND after_number = ?5
  AND (upto_seq IS NULL OR (upto_seq = ?6 AND upto_number = ?7))
RETURNING message

-- name: told
UPDATE outcome_receivers
SET after_seq = upto_seq, after_number = upto_number, upto_seq = NULL, upto_number = NULL, message = '', tries = 0,
    next_at = 0, fault = '', told_at = iif(?4, ?3, told_at)
WHERE name = ?1 AND holder = ?2 AND upto_seq IS NOT NULL

-- name: failed
UPDATE outcome_receivers
SET tries = tries + 1, next_at = ?3, fault = ?4, failed_at = ?5, stopped = ?6
WHERE name = ?1 AND holder = ?2

-- name: release
UPDATE outcome_receivers SET holder = '', lease_until = 0 WHERE holder = ?

-- name: resume
UPDATE outcome_receivers SET stopped = 0, tries = 0, next_at = 0, fault = '' WHERE name = ?

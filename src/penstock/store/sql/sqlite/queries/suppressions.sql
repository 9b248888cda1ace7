-- name: hits
SELECT carray.value, s.seq, s.id, s.kind, s.scope, s.reason, s.at
FROM carray(?) CROSS JOIN suppression_keys ON suppression_keys.key = carray.value
JOIN suppressions AS s ON s.seq = suppression_keys.entry
ORDER BY s.seq

-- name: known
SELECT suppressions.id, at FROM carray(?) CROSS JOIN suppressions ON suppressions.id = carray.value

-- name: insert
INSERT INTO suppressions (id, kind, scope, reason, at, subject, origin) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING seq

-- name: insert_key
INSERT INTO suppression_keys (key, entry) VALUES (?, ?)

-- name: earlier
UPDATE suppressions SET at = ?2 WHERE id = ?1 AND at > ?2

-- name: by_id
SELECT suppressions.id, kind, scope, reason FROM carray(?) CROSS JOIN suppressions ON suppressions.id = carray.value

-- name: delete
DELETE FROM suppressions WHERE id = ?

-- name: page
SELECT s.id, s.kind, s.scope, s.reason, s.at, s.subject, s.origin,
       (SELECT group_concat(hex(key), ' ') FROM suppression_keys WHERE entry = s.seq)
FROM suppressions AS s
WHERE s.seq > coalesce((SELECT seq FROM suppressions WHERE id = ?1), 0)
ORDER BY s.seq LIMIT ?2

-- name: count
SELECT count(*) FROM suppressions

-- name: forget_subjects
UPDATE suppressions SET subject = NULL
WHERE subject IS NOT NULL
  AND seq IN (SELECT entry FROM carray(?) CROSS JOIN suppression_keys ON suppression_keys.key = carray.value)

-- name: remark
INSERT INTO remarks (about, at, action, why) VALUES (?, ?, ?, ?)

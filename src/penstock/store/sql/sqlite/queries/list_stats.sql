-- name: of
SELECT list_counts.kind, list_counts.name, accepted, bounced, complained
FROM carray(?) CROSS JOIN list_counts ON list_counts.name = carray.value

-- name: add
INSERT INTO list_counts (kind, name, accepted, bounced) VALUES (?, ?, ?, ?)
ON CONFLICT (name, kind) DO UPDATE
SET accepted = accepted + excluded.accepted, bounced = bounced + excluded.bounced

-- name: add_returned
INSERT INTO list_counts (kind, name, bounced, complained) VALUES (?, ?, ?, ?)
ON CONFLICT (name, kind) DO UPDATE
SET bounced = bounced + excluded.bounced, complained = complained + excluded.complained

-- name: by_identity
SELECT json_group_array(json_array(contacts.identity, contacts.id)), '[' || group_concat(CAST(record AS TEXT), ',') || ']'
FROM carray(?) CROSS JOIN contacts ON contacts.identity = carray.value

-- name: by_person
SELECT carray.value, contacts.id, contacts.record
FROM carray(?) CROSS JOIN identities ON identities.person = carray.value
CROSS JOIN contacts ON contacts.identity = identities.id

-- name: by_id
SELECT contacts.id, contacts.record FROM carray(?) CROSS JOIN contacts ON contacts.id = carray.value

-- name: insert
INSERT INTO contacts (identity, id, record, imported_at) VALUES /*rows*/ (?, ?, ?, ?)

-- name: update
UPDATE contacts SET record = new.column2, imported_at = new.column3
FROM (VALUES /*rows*/ (?, ?, ?)) AS new WHERE identity = new.column1

-- name: page
SELECT id, record FROM contacts WHERE id > ? ORDER BY id LIMIT ?

-- name: count
SELECT count(*) FROM contacts

-- name: delete
DELETE FROM contacts WHERE id IN (SELECT value FROM carray(?))

-- name: erased
SELECT json_group_array(json_array(carray.rowid, s.scope))
FROM carray(?) CROSS JOIN suppression_keys ON suppression_keys.key = carray.value
JOIN suppressions AS s ON s.seq = suppression_keys.entry AND s.kind = 'person' AND s.reason = 'erasure'

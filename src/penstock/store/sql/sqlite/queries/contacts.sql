-- name: by_person
SELECT contacts.person, contacts.id, contacts.record, contacts.person_keys
FROM carray(?) CROSS JOIN contacts ON contacts.person = carray.value

-- name: by_id
SELECT contacts.id, contacts.record FROM carray(?) CROSS JOIN contacts ON contacts.id = carray.value

-- name: insert
INSERT INTO contacts (id, person, person_keys, record, imported_at) VALUES (?, ?, ?, ?, ?)

-- name: update
UPDATE contacts SET person_keys = ?2, record = ?3, imported_at = ?4 WHERE id = ?1

-- name: page
SELECT id, record FROM contacts WHERE id > ? ORDER BY id LIMIT ?

-- name: count
SELECT count(*) FROM contacts

-- name: delete
DELETE FROM contacts WHERE id IN (SELECT value FROM carray(?))

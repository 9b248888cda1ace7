-- name: known
SELECT json_group_array(json_array(carray.rowid, i.id,
                                   iif(i.keys = substr(carray.value, 33), NULL, hex(i.keys))))
FROM carray(?) CROSS JOIN identities AS i ON i.person = substr(carray.value, 1, 32)

-- name: last
SELECT coalesce(max(id), 0) FROM identities

-- name: insert
INSERT INTO identities (id, person, keys) VALUES /*rows*/ (?, ?, ?)

-- name: update
UPDATE identities SET keys = ?2 WHERE id = ?1

-- name: key
INSERT OR IGNORE INTO identity_keys (person_key, identity) VALUES /*rows*/ (?, ?)

-- name: without_mails
SELECT json_group_array(identity) FROM contacts
WHERE id IN (SELECT value FROM carray(?)) AND NOT EXISTS (SELECT 1 FROM mails WHERE mails.identity = contacts.identity)

-- name: delete_keys
DELETE FROM identity_keys WHERE identity IN (SELECT value FROM carray(?))

-- name: delete
DELETE FROM identities WHERE id IN (SELECT value FROM carray(?))

-- name: units
SELECT json_group_array(json_array(units.mark, units.id)) FROM carray(?) CROSS JOIN units ON units.mark = carray.value

-- name: insert_unit
INSERT INTO units (mark, id) VALUES /*rows*/ (?, ?)

-- name: lowest_unit
SELECT coalesce(min(id), 0) FROM units

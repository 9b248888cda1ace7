-- name: known
SELECT i.person, i.id, i.person_keys, i.company_keys, i.company, i.organisation
FROM carray(?) CROSS JOIN identities AS i ON i.person = carray.value

-- name: insert
INSERT INTO identities (person, person_keys, company_keys, company, organisation) VALUES (?, ?, ?, ?, ?) RETURNING id

-- name: update
UPDATE identities SET person_keys = ?2, company_keys = ?3, company = ?4, organisation = ?5 WHERE id = ?1

-- name: companies
SELECT companies.key, companies.id FROM carray(?) CROSS JOIN companies ON companies.key = carray.value

-- name: insert_company
INSERT INTO companies (key) VALUES (?) RETURNING id

-- name: key
INSERT OR IGNORE INTO identity_keys (person_key, identity) VALUES (?, ?)

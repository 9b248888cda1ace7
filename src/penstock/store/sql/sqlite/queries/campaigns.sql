-- name: known
SELECT 1 FROM campaigns WHERE digest = ?

-- name: insert
INSERT OR IGNORE INTO campaigns (digest, id, record, first_seen) VALUES (?, ?, ?, ?)

-- name: insert_template
INSERT OR IGNORE INTO templates (digest, source) VALUES (?, ?)

-- name: load
SELECT campaigns.digest, campaigns.record FROM carray(?) CROSS JOIN campaigns ON campaigns.digest = carray.value

-- name: load_templates
SELECT templates.digest, templates.source FROM carray(?) CROSS JOIN templates ON templates.digest = carray.value

-- name: seen
UPDATE campaigns SET last_seen = ?2 WHERE digest = ?1

-- name: newest
SELECT digest FROM campaigns WHERE id = ? ORDER BY last_seen DESC, first_seen DESC, rowid DESC LIMIT 1

-- name: known_ids
SELECT DISTINCT id FROM campaigns WHERE id > ? ORDER BY id LIMIT ?

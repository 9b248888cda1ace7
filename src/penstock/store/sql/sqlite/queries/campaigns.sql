-- name: known
SELECT seq FROM campaigns WHERE digest = ?

-- name: insert
INSERT INTO campaigns (digest, id, record, first_seen) VALUES (?, ?, ?, ?) RETURNING seq

-- name: insert_template
INSERT OR IGNORE INTO templates (digest, source) VALUES (?, ?)

-- name: load
SELECT digest, record FROM carray(?) CROSS JOIN campaigns ON campaigns.digest = carray.value

-- name: digests
SELECT seq, digest FROM carray(?) CROSS JOIN campaigns ON campaigns.seq = carray.value

-- name: load_templates
SELECT templates.digest, templates.source FROM carray(?) CROSS JOIN templates ON templates.digest = carray.value

-- name: insert_enclosure
INSERT OR IGNORE INTO enclosures (digest, data) VALUES (?, ?)

-- name: load_enclosures
SELECT enclosures.digest, enclosures.data FROM carray(?) CROSS JOIN enclosures ON enclosures.digest = carray.value

-- name: seen
UPDATE campaigns SET last_seen = (SELECT max(last_seen) + 1 FROM campaigns) WHERE digest = ?1

-- name: newest
SELECT digest FROM campaigns WHERE id = ? ORDER BY last_seen DESC, first_seen DESC, seq DESC LIMIT 1

-- name: known_ids
SELECT DISTINCT id FROM campaigns WHERE id > ? ORDER BY id LIMIT ?

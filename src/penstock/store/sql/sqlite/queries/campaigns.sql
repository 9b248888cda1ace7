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

-- name: states
SELECT campaign_states.id, state FROM carray(?) CROSS JOIN campaign_states ON campaign_states.id = carray.value

-- name: set_state
INSERT INTO campaign_states (id, state, changed_at) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at
WHERE state <> excluded.state

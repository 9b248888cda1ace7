-- name: get
SELECT value FROM meta WHERE name = ?

-- name: canaries
SELECT name, value FROM meta WHERE name GLOB 'canary:*'

-- name: put
INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: any
SELECT EXISTS (SELECT 1 FROM meta)

-- name: load
SELECT json_group_array(json_array(rates.key, rates.rate, rates.tat))
FROM carray(?) CROSS JOIN rates ON rates.key = carray.value

-- name: store
INSERT INTO rates (key, rate, tat) VALUES /*rows*/ (?, ?, ?) ON CONFLICT (key, rate) DO UPDATE SET tat = excluded.tat

-- name: clear
DELETE FROM rates WHERE (key, rate) IN (SELECT key, rate FROM rates WHERE tat <= ? LIMIT 100)

-- name: get
SELECT record FROM snapshots WHERE digest = ?

-- name: of_mail
SELECT digest, record FROM snapshots WHERE mail_id = ?

-- name: erase
DELETE FROM snapshots WHERE mail_id IN (SELECT value FROM carray(?))

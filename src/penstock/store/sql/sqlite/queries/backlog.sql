-- name: waiting
SELECT count(*) FROM tickets

-- name: longest_due
SELECT min(due) FROM tickets

-- name: begun
SELECT count(*) FROM mails WHERE state = 'begun'

-- name: uncertain
SELECT count(*) FROM mails WHERE state = 'uncertain'

-- name: held
SELECT code, count(*) FROM mails WHERE state = 'held' GROUP BY code

-- name: of_mail
SELECT mails.controller, mails.redirected, i.person, i.keys, CAST(contacts.record AS TEXT)
FROM mails JOIN identities AS i ON i.id = mails.identity LEFT JOIN contacts ON contacts.identity = mails.identity
WHERE mails.id = unhex(?)

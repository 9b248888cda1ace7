-- name: get
SELECT record FROM snapshots WHERE seq = ?

-- name: erase
DELETE FROM snapshots WHERE seq IN (
    SELECT ledger_mails.seq FROM carray(?) CROSS JOIN mails ON mails.id = unhex(carray.value)
    CROSS JOIN ledger_mails ON ledger_mails.mail = mails.seq)

-- name: head
SELECT coalesce(max(seq), 0) FROM ledger

-- name: rows
SELECT ledger.seq, ledger.kind, ledger.at, ledger.code, ledger.mail_id, ledger.row,
       mails.campaign IS NOT NULL, mails.stream, mails.contact_id, mails.state, submissions.client,
       coalesce(mails.recipient, CAST(contacts.record AS TEXT) ->> '$.address'),
       ledger.kind <> 'decision' AND coalesce((
           SELECT instr(begun.row, CAST('"redirected":true' AS BLOB)) > 0
           FROM ledger_mails CROSS JOIN ledger AS begun ON begun.seq = ledger_mails.seq
           WHERE ledger_mails.mail = mails.seq AND ledger_mails.seq < ledger.seq AND begun.kind = 'begin'
           ORDER BY ledger_mails.seq DESC LIMIT 1), 0)
FROM ledger
LEFT JOIN mails ON mails.id = unhex(ledger.mail_id)
LEFT JOIN submissions ON submissions.mail = mails.seq
LEFT JOIN contacts ON contacts.identity = mails.identity
WHERE ledger.seq > ?1 AND ledger.seq <= ?2 AND ledger.kind IN (SELECT value FROM carray(?3)) AND ledger.at >= ?4
ORDER BY ledger.seq

-- name: entries
WITH people AS (
    SELECT s.id, s.kind, s.subject, s.reason, s.origin, iif(s.origin GLOB 'link:*:*', substr(s.origin, -32), NULL) AS mail, (
        SELECT coalesce(identities.id, identity_keys.identity) AS person
        FROM suppression_keys
        LEFT JOIN identities ON identities.person = suppression_keys.key
        LEFT JOIN identity_keys ON identity_keys.person_key = suppression_keys.key
        WHERE suppression_keys.entry = s.seq AND s.kind = 'person' AND person IS NOT NULL LIMIT 1) AS identity
    FROM carray(?1) CROSS JOIN suppressions AS s ON s.id = carray.value
)
SELECT people.id, contacts.id,
       iif(people.kind = 'person', coalesce(CAST(contacts.record AS TEXT) ->> '$.address', people.subject), NULL),
       EXISTS (
           SELECT 1 FROM mails JOIN events ON events.mail = mails.seq
           WHERE mails.identity = people.identity AND people.origin = 'esp'
             AND events.kind = CASE people.reason WHEN 'bounce' THEN 'bounced_hard' WHEN 'complaint' THEN 'complained'
                                                  WHEN 'unsubscribe' THEN 'unsubscribed' END)
       OR people.reason = 'bounce' AND EXISTS (
           SELECT 1 FROM mails
           WHERE mails.identity = people.identity AND mails.state = 'failed' AND mails.code = 'HARD_BOUNCED'),
       people.mail, iif(linked.campaign IS NULL, NULL, linked.step), linked.stream, submissions.client
FROM people
LEFT JOIN contacts ON contacts.identity = people.identity
LEFT JOIN mails AS linked ON linked.id = unhex(people.mail)
LEFT JOIN submissions ON submissions.mail = linked.seq

-- name: addresses
SELECT contacts.id, CAST(record AS TEXT) ->> '$.address'
FROM carray(?) CROSS JOIN contacts ON contacts.id = carray.value

-- name: slice_end
-- The last of the next so many mails whose client may still have to hear something; NULL where there are fewer.
SELECT mail FROM submissions WHERE told < 2 AND notify <> '' AND mail > ?1 ORDER BY mail LIMIT 1 OFFSET ?2 - 1

-- name: open
SELECT s.mail, lower(hex(m.id)), m.state, coalesce(m.code, ''), m.controller, m.recipient, s.client, s.sender, s.at,
       s.notify, s.orcpt, s.envelope_id, s.returned, m.outcome_at,
       (SELECT ledger.row FROM ledger_mails JOIN ledger ON ledger.seq = ledger_mails.seq
        WHERE ledger_mails.mail = s.mail ORDER BY ledger.seq DESC LIMIT 1)
FROM submissions AS s CROSS JOIN mails AS m ON m.seq = s.mail
WHERE s.told < 2 AND s.notify <> '' AND s.mail > ?1 AND s.mail <= ?2
  AND (m.state IN ('failed', 'blocked', 'rejected', 'cancelled')
       OR (m.state = 'accepted' AND instr(s.notify, 'SUCCESS'))
       OR (m.state IN ('queued', 'deferred', 'held', 'begun')
           AND s.told = 0 AND s.at <= ?3 AND instr(s.notify, 'DELAY')))
ORDER BY s.mail

-- name: arrived
-- Those that arrived, and whose client did not ask to hear of that.
SELECT json_group_array(s.mail) FROM submissions AS s CROSS JOIN mails AS m ON m.seq = s.mail
WHERE s.told < 2 AND s.notify <> '' AND s.mail > ?1 AND s.mail <= ?2
  AND m.state = 'accepted' AND NOT instr(s.notify, 'SUCCESS')

-- name: close
UPDATE submissions SET told = 2 WHERE mail IN (SELECT value FROM carray(?))

-- name: tell
UPDATE submissions SET told = ?2 WHERE mail = ?1 AND at = ?3 AND told < ?2

-- name: original
SELECT digest, substr(data, 1, ?2) FROM mails CROSS JOIN bodies ON bodies.digest = mails.body
WHERE mails.seq = ?1

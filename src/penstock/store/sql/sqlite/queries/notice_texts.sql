-- name: newest
SELECT language, id, version, digest, reviewed_by, approved_by, at
FROM notice_texts
WHERE seq IN (SELECT max(seq) FROM notice_texts GROUP BY language)

-- name: source
SELECT source FROM notice_texts WHERE language = ? ORDER BY seq DESC LIMIT 1

-- name: adopt
INSERT INTO notice_texts (language, id, version, digest, reviewed_by, approved_by, at, source)
SELECT ?1, ?2, ?3, ?4, ?5, '', ?6, ?7
WHERE NOT EXISTS (SELECT 1 FROM notice_texts WHERE language = ?1)

-- name: approve
INSERT INTO notice_texts (language, id, version, digest, reviewed_by, approved_by, at, source)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)

-- pre-deploy
-- Who shares a way out: mails of one controller that go by one adapter and are equally urgent (1: transactional, notices).
-- `turn` is how much of the way the flow had so far, by its weight; `cursor` the recipient domain served last out of turn.
CREATE TABLE flows (
    id INTEGER PRIMARY KEY,
    way TEXT NOT NULL,
    controller TEXT NOT NULL,
    urgent INTEGER NOT NULL,
    turn REAL NOT NULL DEFAULT 0,
    cursor TEXT NOT NULL DEFAULT '',
    UNIQUE (way, controller, urgent)
) STRICT;

-- `flow` 0: not known yet. `ready` 1: it may be leased at once, and was due when it became so; a clock that goes back takes
-- nothing away. All others wait, by `held`: 0 for their due time or, where lease_until is not 0, for our own pace; 1 for the
-- worker that holds them; 2 first for our own pace and then for their due time. `since`: when a ready-made message was saved.
ALTER TABLE tickets ADD COLUMN flow INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN ready INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN since REAL;

DROP INDEX tickets_due;
DROP INDEX tickets_lane;
CREATE INDEX tickets_ready ON tickets (flow, due, id) WHERE ready = 1;
CREATE INDEX tickets_ready_lane ON tickets (flow, lane, due) WHERE ready = 1;
CREATE INDEX tickets_waiting ON tickets (held, lease_until, due) WHERE ready = 0;
CREATE INDEX tickets_unknown ON tickets (id) WHERE flow = 0;
CREATE INDEX tickets_since ON tickets (since) WHERE since IS NOT NULL;

INSERT INTO flows (way, controller, urgent)
SELECT DISTINCT substr(tickets.lane, 1, instr(tickets.lane, '/') - 1), mails.controller,
                mails.stream IN ('transactional', 'notice')
FROM tickets CROSS JOIN mails ON mails.seq = tickets.id;
UPDATE tickets
SET flow = coalesce((SELECT flows.id FROM mails CROSS JOIN flows
                     ON flows.way = substr(tickets.lane, 1, instr(tickets.lane, '/') - 1)
                        AND flows.controller = mails.controller
                        AND flows.urgent = (mails.stream IN ('transactional', 'notice'))
                     WHERE mails.seq = tickets.id), 0),
    since = (SELECT at / 1e6 FROM submissions WHERE mail = tickets.id);

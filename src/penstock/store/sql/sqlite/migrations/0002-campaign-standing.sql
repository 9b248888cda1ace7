-- pre-deploy
-- What people decided about a campaign, and when it first sent. `approval` is the mark that was signed off.
ALTER TABLE campaign_states ADD COLUMN approval TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign_states ADD COLUMN approved_by TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign_states ADD COLUMN first_begun_at INTEGER;

-- When the campaign was last sent or offered in this form: the newest form is the one that is approved.
ALTER TABLE campaigns ADD COLUMN last_seen INTEGER NOT NULL DEFAULT 0;

-- A mail that went to the address of [safety] redirect_all_to, not to its recipient.
ALTER TABLE mails ADD COLUMN redirected INTEGER NOT NULL DEFAULT 0;

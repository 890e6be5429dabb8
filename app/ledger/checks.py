"""The invariants of the ledger as queries. Each returns what breaks it, named so that a person can find it.

``I1`` to ``I4`` and ``I9`` are the oracle of `reference/faults.md`.
"""

from __future__ import annotations

SETTINGS = (
    "SET LOCAL statement_timeout = 0",  # it reads every posting there is
    "SET LOCAL timezone = 'UTC'",  # dates are written out for the seal
    "SET LOCAL jit = off",
    "SET LOCAL enable_nestloop = off",  # fresh rows are in no statistics yet, and looping over a million takes for ever
    "SET LOCAL work_mem = '128MB'",
)

COUNTS = """
SELECT (SELECT count(*) FROM ledger.entry) AS entries, (SELECT count(*) FROM ledger.posting) AS postings,
       (SELECT count(*) FROM ledger.member_account) AS member_accounts,
       (SELECT count(*) FROM ledger.balance) AS balances,
       (SELECT count(*) FROM ledger.seal) AS sealed_days
"""

# I1: an entry has two lines or more, balances in each branch, and its lines carry its dates.
ENTRY_BALANCES = """
SELECT entry_id AS entry, branch_id AS branch, sum(amount_cents) AS difference_cents
  FROM ledger.posting GROUP BY entry_id, branch_id HAVING sum(amount_cents) <> 0
"""

ENTRY_HAS_ITS_LINES = """
SELECT coalesce(e.id, p.entry_id) AS entry,
       CASE WHEN e.id IS NULL THEN 'lines without an entry' WHEN p.entry_id IS NULL THEN 'an entry without lines'
            WHEN p.lines < 2 THEN 'a single line' WHEN p.last_line <> p.lines THEN 'a line is missing'
            ELSE 'lines with other dates' END AS trouble
  FROM ledger.entry e
  FULL JOIN (SELECT entry_id, count(*) AS lines, max(line) AS last_line, min(booked_on) AS first_booked,
                    max(booked_on) AS last_booked, min(value_on) AS first_value, max(value_on) AS last_value
               FROM ledger.posting GROUP BY entry_id) p ON p.entry_id = e.id
 WHERE e.id IS NULL OR p.entry_id IS NULL OR p.lines < 2 OR p.last_line <> p.lines
    OR (p.first_booked, p.last_booked) <> (e.booked_on, e.booked_on)
    OR (p.first_value, p.last_value) <> (e.value_on, e.value_on)
"""

# I2: a kept balance is the sum of its postings.
BALANCE_IS_SUM = """
SELECT coalesce(m.number, k.member_account_id::text) AS account, a.code, k.branch_id AS branch,
       b.amount_cents AS kept_cents, p.amount AS posted_cents
  FROM ledger.balance b
  FULL JOIN (SELECT member_account_id, ledger_account_id, branch_id, sum(amount_cents) AS amount
               FROM ledger.posting WHERE member_account_id IS NOT NULL GROUP BY 1, 2, 3) p
       USING (member_account_id, ledger_account_id, branch_id) AS k
  LEFT JOIN ledger.member_account m ON m.id = k.member_account_id
  LEFT JOIN ledger.ledger_account a ON a.id = k.ledger_account_id
 WHERE b.amount_cents IS DISTINCT FROM coalesce(p.amount, 0)
"""

CONTROL_IS_ITS_MEMBERS = """
SELECT a.code, branch_id AS branch, p.amount AS control_cents, b.amount AS members_cents
  FROM (SELECT ledger_account_id, branch_id, sum(amount_cents) AS amount FROM ledger.posting GROUP BY 1, 2) p
  FULL JOIN (SELECT ledger_account_id, branch_id, sum(amount_cents) AS amount FROM ledger.balance GROUP BY 1, 2) b
       USING (ledger_account_id, branch_id)
  JOIN ledger.ledger_account a ON a.id = ledger_account_id
 WHERE a.is_control AND coalesce(p.amount, 0) <> coalesce(b.amount, 0)
"""

CONTROL_OR_PLAIN = """
SELECT p.entry_id AS entry, p.line, a.code, p.member_account_id AS member_account
  FROM ledger.posting p
  LEFT JOIN ledger.ledger_account a ON a.id = p.ledger_account_id
  LEFT JOIN ledger.branch b ON b.id = p.branch_id
  LEFT JOIN ledger.member_account m ON m.id = p.member_account_id
 WHERE a.id IS NULL OR b.id IS NULL OR a.is_control <> (p.member_account_id IS NOT NULL)
    OR (p.member_account_id IS NOT NULL AND m.id IS NULL)
"""

# I3: the trial balance is zero in each branch on each day, and the branches owe each other nothing in total.
TRIAL_BALANCE_IS_ZERO = """
SELECT booked_on AS "on", branch_id AS branch, sum(amount_cents) AS difference_cents
  FROM ledger.posting GROUP BY booked_on, branch_id HAVING sum(amount_cents) <> 0
"""

INTER_BRANCH_IS_ZERO = """
SELECT a.code, sum(p.amount_cents) AS difference_cents
  FROM ledger.posting p JOIN ledger.ledger_account a ON a.id = p.ledger_account_id
 WHERE a.is_inter_branch GROUP BY a.code HAVING sum(p.amount_cents) <> 0
"""

# I9: no account below its floor, and what is held is the sum of open holds.
FLOOR_IS_KEPT = """
SELECT m.number AS account, a.code, b.amount_cents * b.natural_side AS balance_cents, b.held_cents, b.floor_cents
  FROM ledger.balance b
  JOIN ledger.member_account m ON m.id = b.member_account_id
  JOIN ledger.ledger_account a ON a.id = b.ledger_account_id
 WHERE b.amount_cents * b.natural_side - b.held_cents < b.floor_cents OR b.natural_side <> a.natural_side
"""

HELD_IS_SUM_OF_HOLDS = """
SELECT coalesce(m.number, k.member_account_id::text) AS account, a.code, b.held AS held_cents, h.amount AS holds_cents
  FROM (SELECT member_account_id, ledger_account_id, sum(held_cents) AS held
          FROM ledger.balance GROUP BY 1, 2) b
  FULL JOIN (SELECT member_account_id, ledger_account_id, sum(amount_cents) AS amount
               FROM ledger.hold WHERE released_at IS NULL GROUP BY 1, 2) h
       USING (member_account_id, ledger_account_id) AS k
  LEFT JOIN ledger.member_account m ON m.id = k.member_account_id
  LEFT JOIN ledger.ledger_account a ON a.id = k.ledger_account_id
 WHERE coalesce(b.held, 0) <> coalesce(h.amount, 0)
"""

REVERSAL_IS_MIRROR = """
SELECT r.id AS entry, r.reverses_id AS reverses
  FROM ledger.entry r
  CROSS JOIN LATERAL (
       SELECT count(*) AS lines FROM (
           SELECT ledger_account_id, branch_id, member_account_id, sum(amount_cents)
             FROM ledger.posting WHERE entry_id IN (r.id, r.reverses_id)
            GROUP BY 1, 2, 3 HAVING sum(amount_cents) <> 0) d
  ) differing
 WHERE r.reverses_id IS NOT NULL
   AND (differing.lines > 0 OR NOT EXISTS (SELECT FROM ledger.entry o WHERE o.id = r.reverses_id))
"""

NOTHING_IN_CLOSED_MONTHS = """
SELECT e.id AS entry, e.value_on, p.closed_at
  FROM ledger.entry e JOIN ledger.period p ON p.month = date_trunc('month', e.value_on::timestamp)::date
 WHERE p.state = 'closed' AND e.posted_at > p.closed_at
"""

DAILY_TOTAL_IS_SUM = """
SELECT a.code, branch_id AS branch, booked_on, value_on, t.debit_cents, t.credit_cents,
       p.debit_cents AS posted_debit_cents, p.credit_cents AS posted_credit_cents
  FROM ledger.daily_total t
  FULL JOIN (SELECT ledger_account_id, branch_id, booked_on, value_on, count(*) AS posting_count,
                    coalesce(sum(amount_cents) FILTER (WHERE amount_cents > 0), 0) AS debit_cents,
                    coalesce(-sum(amount_cents) FILTER (WHERE amount_cents < 0), 0) AS credit_cents
               FROM ledger.posting p
              WHERE EXISTS (SELECT FROM ledger.seal s WHERE s.on_date = p.booked_on)
              GROUP BY 1, 2, 3, 4) p USING (ledger_account_id, branch_id, booked_on, value_on)
  LEFT JOIN ledger.ledger_account a ON a.id = ledger_account_id
 WHERE (t.debit_cents, t.credit_cents, t.posting_count)
       IS DISTINCT FROM (p.debit_cents, p.credit_cents, p.posting_count)
"""

DAYS_FOLLOW = """
SELECT d.on_date AS "on", d.state, CASE WHEN s.on_date IS NULL AND d.state = 'sealed' THEN 'no seal'
            WHEN s.on_date IS NOT NULL AND d.state <> 'sealed' THEN 'a seal on a day that is not sealed'
            WHEN d.on_date <> d.previous + 1 THEN 'a day is missing before it' ELSE 'out of order' END AS trouble
  FROM (SELECT on_date, state, lag(on_date) OVER w AS previous, lag(state) OVER w AS previous_state
          FROM ledger.business_day WINDOW w AS (ORDER BY on_date)) d
  LEFT JOIN ledger.seal s ON s.on_date = d.on_date
 WHERE (s.on_date IS NOT NULL) <> (d.state = 'sealed') OR d.on_date <> d.previous + 1
    OR (d.state = 'sealed' AND d.previous_state <> 'sealed') OR d.previous_state = 'open'
"""

ENTRY_IS_ON_A_DAY = """
SELECT DISTINCT e.booked_on AS "on", 'entries on a day that never was' AS trouble
  FROM ledger.entry e LEFT JOIN ledger.business_day d ON d.on_date = e.booked_on WHERE d.on_date IS NULL
"""

# I4: each sealed entry still has the digest it was sealed with. docs/ledger-seal.md is the description of this form.
ENTRY_IS_AS_SEALED = """
SELECT coalesce(d.entry_id, e.id) AS entry, coalesce(d.booked_on, e.booked_on) AS "on",
       CASE WHEN e.id IS NULL THEN 'deleted' WHEN d.entry_id IS NULL THEN 'added after the seal'
            ELSE 'changed' END AS trouble
  FROM ledger.entry_digest d
  FULL JOIN (
       SELECT e.id, e.booked_on, sha256(convert_to(concat(
                  '[', e.id, ',"', to_char(e.booked_on, 'YYYY-MM-DD'), '","', to_char(e.value_on, 'YYYY-MM-DD'), '",',
                  coalesce('"' || to_char(e.relates_to_on, 'YYYY-MM-DD') || '"', 'null'), ',"',
                  to_char(e.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
                  to_json(e.cause_type), ',', to_json(e.cause_id), ',', to_json(e.description), ',',
                  to_json(e.actor_kind), ',', to_json(e.actor_id), ',', to_json(e.actor_channel), ',',
                  coalesce(to_json(e.on_behalf_of)::text, 'null'), ',', to_json(e.idempotency_key), ',',
                  coalesce(e.reverses_id::text, 'null'), ',[', l.lines, ']]'), 'UTF8')) AS digest
         FROM ledger.entry e
         LEFT JOIN (SELECT p.entry_id, string_agg(concat('[', p.line, ',"', a.code, '","', b.code, '",',
                               coalesce('"' || m.number || '"', 'null'), ',', p.amount_cents, ']'),
                           ',' ORDER BY p.line) AS lines
                      FROM ledger.posting p
                      LEFT JOIN ledger.ledger_account a ON a.id = p.ledger_account_id
                      LEFT JOIN ledger.branch b ON b.id = p.branch_id
                      LEFT JOIN ledger.member_account m ON m.id = p.member_account_id
                     GROUP BY p.entry_id) l ON l.entry_id = e.id
        WHERE EXISTS (SELECT FROM ledger.seal s WHERE s.on_date = e.booked_on)
  ) e ON e.id = d.entry_id
 WHERE d.digest IS DISTINCT FROM e.digest OR d.booked_on <> e.booked_on
"""

SEALS_CHAIN = """
SELECT s.on_date AS "on", s.entry_count AS entries_sealed, d.entries AS entries_there,
       CASE WHEN s.previous_hash <> s.expected_previous THEN 'not chained to the day before'
            WHEN s.entry_count <> d.entries THEN 'another number of entries'
            ELSE 'another hash' END AS trouble
  FROM (SELECT *, coalesce(lag(hash) OVER (ORDER BY on_date), decode(repeat('00', 32), 'hex')) AS expected_previous
          FROM ledger.seal) s
  CROSS JOIN LATERAL (
       SELECT count(*) AS entries, coalesce(string_agg(digest, ''::bytea ORDER BY entry_id), ''::bytea) AS digests
         FROM ledger.entry_digest WHERE booked_on = s.on_date) d
 WHERE s.previous_hash <> s.expected_previous OR s.entry_count <> d.entries
    OR s.hash <> sha256(convert_to(concat('pamoja-day-1', E'\\n', to_char(s.on_date, 'YYYY-MM-DD'), E'\\n',
           encode(s.expected_previous, 'hex'), E'\\n', d.entries, E'\\n'), 'UTF8') || d.digests)
"""

# What keeps all this true is still in place.
PROTECTION_IS_ON = """
SELECT t.tgrelid::regclass::text AS "table", t.tgname AS guard, 'switched off' AS trouble
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'ledger'::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'O'
UNION ALL
SELECT c.oid::regclass::text, NULL, 'without its guards'
  FROM pg_class c
 WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND c.relname <> 'posting_gate'
   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                      AND t.tgname IN ('append_only', 'keep_rows'))
UNION ALL
SELECT conrelid::regclass::text, conname, 'not enforced'
  FROM pg_constraint WHERE connamespace = 'ledger'::regnamespace AND NOT (convalidated AND conenforced)
UNION ALL
SELECT NULL, name, 'gone'
  FROM unnest(ARRAY['ck_balance_floor', 'ck_balance_held_cents', 'ck_posting_amount_cents', 'ck_entry_value_on',
                    'pk_posting', 'pk_balance', 'uq_hold_kind_source', 'uq_member_account_number']) name
 WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE connamespace = 'ledger'::regnamespace AND conname = name)
UNION ALL
SELECT NULL, name, 'gone'
  FROM unnest(ARRAY['uq_entry_idempotency_key', 'uq_entry_reverses_id', 'uq_business_day_open']) name
 WHERE NOT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE c.relnamespace = 'ledger'::regnamespace AND c.relname = name
                      AND i.indisunique AND i.indisvalid)
"""

RIGHTS_ARE_READ_ONLY = """
SELECT c.oid::regclass::text AS "table", r AS "right", current_user AS role
  FROM pg_class c CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) r
 WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND has_table_privilege(c.oid, r)
UNION ALL
SELECT 'database', r, current_user
  FROM unnest(ARRAY['CREATE', 'TEMPORARY']) r WHERE has_database_privilege(current_database(), r)
"""

CHECKS: dict[str, str] = {
    "entry_balances": ENTRY_BALANCES,
    "entry_has_its_lines": ENTRY_HAS_ITS_LINES,
    "balance_is_sum_of_postings": BALANCE_IS_SUM,
    "control_equals_members": CONTROL_IS_ITS_MEMBERS,
    "control_or_plain": CONTROL_OR_PLAIN,
    "trial_balance_is_zero": TRIAL_BALANCE_IS_ZERO,
    "inter_branch_is_zero": INTER_BRANCH_IS_ZERO,
    "floor_is_kept": FLOOR_IS_KEPT,
    "held_is_sum_of_holds": HELD_IS_SUM_OF_HOLDS,
    "reversal_is_mirror": REVERSAL_IS_MIRROR,
    "nothing_in_closed_months": NOTHING_IN_CLOSED_MONTHS,
    "days_follow_each_other": DAYS_FOLLOW,
    "entry_is_on_a_business_day": ENTRY_IS_ON_A_DAY,
    "daily_total_is_sum_of_postings": DAILY_TOTAL_IS_SUM,
    "entry_is_as_sealed": ENTRY_IS_AS_SEALED,
    "seals_chain": SEALS_CHAIN,
    "protection_is_on": PROTECTION_IS_ON,
    "rights_are_read_only": RIGHTS_ARE_READ_ONLY,
}

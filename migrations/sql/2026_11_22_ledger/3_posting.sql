-- Posting one entry. A door (granted to the application) checks everything itself and trusts nothing it is handed;
-- functions whose name starts with an underscore are the doors' own and granted to nobody.
--
-- Every door runs as the owner with a fixed search path that ends in pg_temp, and names every object in full, so that no
-- table, operator or function of the caller can take the place of ours. What a door calls runs under the door's search path.
--
-- Refusals carry a code of their own (PL…) and their facts as JSON in DETAIL; app/ledger/errors.py puts them into words.

CREATE TYPE ledger._line AS (ledger_account_id integer, branch_id integer, member_account_id bigint, amount_cents bigint);

CREATE FUNCTION ledger._refuse(code text, message text, facts jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = facts::text;
END $$;

-- Joins those who post today, and says which day that is. Read after the lock is held, in a statement with a snapshot of
-- its own: whoever waited for the roll must see the day it opened.
CREATE FUNCTION ledger._enter() RETURNS date
LANGUAGE plpgsql AS $$
DECLARE
    today date;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM ledger._refuse('PL001', 'The ledger posts in read committed transactions only');
    END IF;
    LOCK TABLE ledger.posting_gate IN ROW SHARE MODE;
    SELECT on_date INTO today FROM ledger.business_day WHERE state = 'open';
    IF today IS NULL THEN
        PERFORM ledger._refuse('PL010', 'The books have not been opened');
    END IF;
    RETURN today;
END $$;

-- Shuts everybody else out until the transaction ends. Gives up soon, because who waits here holds up the whole society
-- behind whoever is still posting; the caller tries again.
CREATE FUNCTION ledger._enter_alone() RETURNS void
LANGUAGE plpgsql SET lock_timeout = '3s' AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM ledger._refuse('PL001', 'The ledger posts in read committed transactions only');
    END IF;
    LOCK TABLE ledger.posting_gate IN EXCLUSIVE MODE;
END $$;

-- The day to book on: the business date, or the day that is being closed if its own close is posting.
CREATE FUNCTION ledger._booking_date(asked date, actor_kind text, actor_id text) RETURNS date
LANGUAGE plpgsql AS $$
DECLARE
    today date := ledger._enter();
    state_of_day text;
BEGIN
    IF asked IS NULL OR asked = today THEN
        RETURN today;
    END IF;
    -- Held until the end of the transaction: the seal waits for it, and nothing slips in after the seal.
    SELECT state INTO state_of_day FROM ledger.business_day WHERE on_date = asked FOR SHARE;
    IF state_of_day IS DISTINCT FROM 'closing' OR actor_kind <> 'system' OR actor_id <> 'dayend' THEN
        PERFORM ledger._refuse('PL011', 'Only the close of a day books on it once it is over',
            jsonb_build_object('on', asked, 'business_date', today, 'state', state_of_day));
    END IF;
    RETURN asked;
END $$;

-- When it counts: the date it was given, or the first open day if that date's month is closed and it may move.
CREATE FUNCTION ledger._value_date(asked date, booked date, may_move boolean) RETURNS date
LANGUAGE plpgsql AS $$
DECLARE
    first_open_day date;
BEGIN
    IF asked IS NULL OR asked > booked THEN
        PERFORM ledger._refuse('PL012', 'Nothing counts before its day has come',
            jsonb_build_object('on', asked, 'business_date', booked));
    END IF;
    IF EXISTS (SELECT FROM ledger.period WHERE month = date_trunc('month', asked::timestamp)::date AND state = 'open') THEN
        RETURN asked;
    END IF;
    SELECT min(month) INTO first_open_day FROM ledger.period WHERE state = 'open';
    IF NOT may_move THEN
        PERFORM ledger._refuse('PL013', 'The month is closed', jsonb_build_object('on', asked, 'first_open_day', first_open_day));
    END IF;
    RETURN first_open_day;
END $$;

-- Turns four lists into lines with our own ids for the chart's codes.
CREATE FUNCTION ledger._lines(codes text[], branches integer[], member_accounts bigint[], amounts bigint[]) RETURNS ledger._line[]
LANGUAGE plpgsql AS $$
DECLARE
    lines ledger._line[];
    unknown text;
BEGIN
    SELECT array_agg(ROW(a.id, l.branch_id, l.member_account_id, l.amount_cents)::ledger._line ORDER BY l.position),
           min(l.code) FILTER (WHERE a.id IS NULL)
      INTO lines, unknown
      FROM unnest(codes, branches, member_accounts, amounts) WITH ORDINALITY
           AS l (code, branch_id, member_account_id, amount_cents, position)
      LEFT JOIN ledger.ledger_account a ON a.code = l.code;
    IF unknown IS NOT NULL THEN
        PERFORM ledger._refuse('PL020', 'No such ledger account', jsonb_build_object('code', unknown));
    END IF;
    IF coalesce(cardinality(lines), 0) < 2 OR EXISTS (
        SELECT FROM unnest(lines) l
         WHERE l.ledger_account_id IS NULL OR l.branch_id IS NULL OR coalesce(l.amount_cents, 0) = 0
    ) THEN
        PERFORM ledger._refuse('PL002', 'An entry has two or more lines, each with an account, a branch and an amount');
    END IF;
    RETURN lines;
END $$;

-- The entry that already has this key. The same money again is a repetition; other money under the key is refused.
-- Wording and actor may differ: a callback and a sweep may both bring the news of one payment.
CREATE FUNCTION ledger._replayed(key text, asked_on date, relates_to date, of_cause_type text, of_cause_id text,
                                 reverses bigint, lines ledger._line[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    known ledger.entry;
    is_same boolean;
BEGIN
    SELECT * INTO known FROM ledger.entry WHERE idempotency_key = key;
    IF known.id IS NULL THEN
        RETURN NULL;
    END IF;
    is_same := known.cause_type = of_cause_type AND known.cause_id = of_cause_id
        AND known.reverses_id IS NOT DISTINCT FROM reverses
        AND (known.value_on = asked_on AND known.relates_to_on IS NOT DISTINCT FROM relates_to
             OR known.value_on > asked_on AND known.relates_to_on IS NOT DISTINCT FROM coalesce(relates_to, asked_on))
        AND ledger._is_made_of(known.id, lines, 1);
    IF is_same IS NOT TRUE THEN
        PERFORM ledger._refuse('PL021', 'This key was used for another entry', jsonb_build_object('key', key, 'entry_id', known.id));
    END IF;
    RETURN known.id;
END $$;

-- Whether an entry's lines are these, each multiplied by the sign; inter-branch lines follow from the others.
CREATE FUNCTION ledger._is_made_of(of_entry_id bigint, lines ledger._line[], sign integer) RETURNS boolean
LANGUAGE sql AS $$
    WITH stored AS (
        SELECT p.ledger_account_id, p.branch_id, p.member_account_id, p.amount_cents
          FROM ledger.posting p JOIN ledger.ledger_account a ON a.id = p.ledger_account_id
         WHERE p.entry_id = of_entry_id AND NOT a.is_inter_branch
    ), given AS (
        SELECT l.ledger_account_id, l.branch_id, l.member_account_id, sign * l.amount_cents FROM unnest(lines) l
    )
    SELECT NOT EXISTS (SELECT * FROM stored EXCEPT ALL SELECT * FROM given)
       AND NOT EXISTS (SELECT * FROM given EXCEPT ALL SELECT * FROM stored)
$$;

-- What does not depend on any balance: who may be posted to, and which of our two kinds of account it is.
CREATE FUNCTION ledger._check_accounts(lines ledger._line[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT a.code, a.is_active, a.is_control, a.is_inter_branch, l.member_account_id, l.branch_id, b.is_active AS branch_is_active
      INTO wrong
      FROM unnest(lines) l
      JOIN ledger.ledger_account a ON a.id = l.ledger_account_id
      LEFT JOIN ledger.branch b ON b.id = l.branch_id
     WHERE NOT a.is_active OR a.is_inter_branch OR a.is_control <> (l.member_account_id IS NOT NULL) OR b.is_active IS NOT TRUE
     LIMIT 1;
    IF wrong IS NULL THEN
        RETURN;
    ELSIF wrong.branch_is_active IS NOT TRUE THEN
        PERFORM ledger._refuse('PL022', 'No such branch, or it is closed', jsonb_build_object('branch_id', wrong.branch_id));
    ELSIF NOT wrong.is_active THEN
        PERFORM ledger._refuse('PL023', 'The ledger account is retired', jsonb_build_object('code', wrong.code));
    ELSIF wrong.is_inter_branch THEN
        PERFORM ledger._refuse('PL002', 'Inter-branch lines are added by the ledger', jsonb_build_object('code', wrong.code));
    ELSE
        PERFORM ledger._refuse('PL002', CASE WHEN wrong.is_control THEN 'A control account needs a member account'
                                             ELSE 'A plain account takes no member account' END,
            jsonb_build_object('code', wrong.code, 'member_account_id', wrong.member_account_id));
    END IF;
END $$;

-- The lines, with one on the inter-branch account for each branch that would not balance alone.
CREATE FUNCTION ledger._balanced(lines ledger._line[]) RETURNS ledger._line[]
LANGUAGE plpgsql AS $$
DECLARE
    out_of_balance numeric;
    added ledger._line[];
BEGIN
    SELECT sum(amount_cents) INTO out_of_balance FROM unnest(lines);
    IF out_of_balance <> 0 THEN
        PERFORM ledger._refuse('PL003', 'Debits and credits differ', jsonb_build_object('difference_cents', out_of_balance));
    END IF;
    SELECT array_agg(ROW((SELECT id FROM ledger.ledger_account WHERE is_inter_branch), branch_id, NULL, -amount)::ledger._line
                     ORDER BY branch_id)
      INTO added
      FROM (SELECT branch_id, sum(amount_cents) AS amount FROM unnest(lines) GROUP BY branch_id) b
     WHERE amount <> 0;
    RETURN lines || added;
END $$;

-- Locks the balances that the lines touch, in ascending order, so that two entries can wait for each other only one way. Says
-- whether, as they are then, each is there, open, and does not fall below its floor.
CREATE FUNCTION ledger._lock_balances(lines ledger._line[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    all_good boolean;
BEGIN
    WITH total AS MATERIALIZED (
        SELECT member_account_id, ledger_account_id, branch_id, sum(amount_cents) AS change
          FROM unnest(lines) WHERE member_account_id IS NOT NULL GROUP BY 1, 2, 3
    ), locked AS MATERIALIZED (
        SELECT b.is_open AND ((b.amount_cents + t.change) * b.natural_side - b.held_cents < b.floor_cents) IS NOT TRUE AS is_good
          FROM total t
          JOIN ledger.balance b ON (b.member_account_id, b.ledger_account_id, b.branch_id)
                                 = (t.member_account_id, t.ledger_account_id, t.branch_id)
         ORDER BY b.member_account_id, b.ledger_account_id, b.branch_id FOR NO KEY UPDATE OF b
    )
    SELECT (SELECT count(*) FROM total) = (SELECT count(*) FROM locked WHERE is_good) INTO all_good;
    RETURN all_good;
END $$;

-- Says in words which of the locked balances is not there, closed, elsewhere or too low.
CREATE FUNCTION ledger._refuse_balances(lines ledger._line[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
    short record;
BEGIN
    SELECT l.member_account_id, l.branch_id, m.id, m.number, m.branch_id AS own_branch_id, m.closed_on,
           b.is_open IS NOT NULL AS is_kept, (SELECT code FROM ledger.ledger_account WHERE id = l.ledger_account_id) AS code
      INTO wrong
      FROM unnest(lines) l
      LEFT JOIN ledger.member_account m ON m.id = l.member_account_id
      LEFT JOIN ledger.balance b ON (b.member_account_id, b.ledger_account_id, b.branch_id)
                                  = (l.member_account_id, l.ledger_account_id, l.branch_id)
     WHERE l.member_account_id IS NOT NULL AND b.is_open IS NOT TRUE
     ORDER BY l.member_account_id LIMIT 1;
    IF wrong.member_account_id IS NULL THEN
        SELECT m.number, a.code, b.amount_cents * b.natural_side - b.held_cents - b.floor_cents AS available_cents,
               -t.change * b.natural_side AS asked_cents
          INTO short
          FROM (SELECT member_account_id, ledger_account_id, branch_id, sum(amount_cents) AS change
                  FROM unnest(lines) WHERE member_account_id IS NOT NULL GROUP BY 1, 2, 3) t
          JOIN ledger.balance b USING (member_account_id, ledger_account_id, branch_id)
          JOIN ledger.member_account m ON m.id = b.member_account_id
          JOIN ledger.ledger_account a ON a.id = b.ledger_account_id
         WHERE (b.amount_cents + t.change) * b.natural_side - b.held_cents < b.floor_cents
         ORDER BY m.id LIMIT 1;
        PERFORM ledger._refuse('PL026', 'The balance is too low', to_jsonb(short));
    ELSIF wrong.id IS NULL THEN
        PERFORM ledger._refuse('PL024', 'No such member account', jsonb_build_object('member_account_id', wrong.member_account_id));
    ELSIF wrong.closed_on IS NOT NULL THEN
        PERFORM ledger._refuse('PL025', 'The member account is closed',
            jsonb_build_object('number', wrong.number, 'closed_on', wrong.closed_on));
    ELSIF wrong.is_kept THEN
        PERFORM ledger._refuse('PL028', 'The member account has moved to another branch',
            jsonb_build_object('number', wrong.number, 'branch_id', wrong.branch_id, 'own_branch_id', wrong.own_branch_id));
    ELSE
        PERFORM ledger._refuse('PL002', 'The member account is not kept on this ledger account and branch',
            jsonb_build_object('number', wrong.number, 'branch_id', wrong.branch_id, 'own_branch_id', wrong.own_branch_id,
                               'code', wrong.code));
    END IF;
END $$;

-- Writes the lines of an entry and moves the balances that they touch.
CREATE FUNCTION ledger._write_lines(of_entry_id bigint, booked date, counts_on date, lines ledger._line[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ledger.posting (entry_id, line, ledger_account_id, branch_id, member_account_id, amount_cents, booked_on, value_on)
    SELECT of_entry_id, l.line, l.ledger_account_id, l.branch_id, l.member_account_id, l.amount_cents, booked, counts_on
      FROM unnest(lines) WITH ORDINALITY AS l (ledger_account_id, branch_id, member_account_id, amount_cents, line);

    UPDATE ledger.balance b SET amount_cents = b.amount_cents + t.change
      FROM (SELECT member_account_id, ledger_account_id, branch_id, sum(amount_cents)::bigint AS change
              FROM unnest(lines) WHERE member_account_id IS NOT NULL GROUP BY 1, 2, 3) t
     WHERE (b.member_account_id, b.ledger_account_id, b.branch_id) = (t.member_account_id, t.ledger_account_id, t.branch_id);
$$;

-- DOOR. Posts one entry and returns its id; the same key with the same money returns the entry that is there.
CREATE FUNCTION ledger.post_entry(
    key text, counts_on date, cause_type text, cause_id text, description text,
    actor_kind text, actor_id text, actor_channel text, on_behalf_of text,
    accounts text[], branches integer[], member_accounts bigint[], amounts bigint[],
    relates_to_on date DEFAULT NULL, reverses_id bigint DEFAULT NULL,
    booked_on date DEFAULT NULL, may_move boolean DEFAULT true
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- An entry has a handful of lines, which is not what the planner assumes of a list: it is to look rows up, never to scan.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    booked date := ledger._booking_date(post_entry.booked_on, actor_kind, actor_id);
    asked ledger._line[] := ledger._lines(accounts, branches, member_accounts, amounts);
    lines ledger._line[];
    effective date;
    is_covered boolean;
    posted bigint;
BEGIN
    posted := ledger._replayed(key, counts_on, relates_to_on, cause_type, cause_id, reverses_id, asked);
    IF posted IS NOT NULL THEN
        RETURN posted;
    END IF;
    effective := ledger._value_date(counts_on, booked, may_move);
    PERFORM ledger._check_accounts(asked);
    lines := ledger._balanced(asked);
    is_covered := ledger._lock_balances(asked);
    -- The same request may have been posted while this one waited; its money must not be asked for again.
    posted := ledger._replayed(key, counts_on, relates_to_on, cause_type, cause_id, reverses_id, asked);
    IF posted IS NOT NULL THEN
        RETURN posted;
    END IF;
    PERFORM ledger._check_reversal(reverses_id, asked);
    IF NOT is_covered THEN
        PERFORM ledger._refuse_balances(asked);
    END IF;
    INSERT INTO ledger.entry (reverses_id, posted_at, booked_on, value_on, relates_to_on, idempotency_key, cause_type, cause_id,
                              description, actor_kind, actor_id, actor_channel, on_behalf_of)
    VALUES (reverses_id, clock_timestamp(), booked, effective,
            CASE WHEN effective = counts_on THEN relates_to_on ELSE coalesce(relates_to_on, counts_on) END,
            key, cause_type, cause_id, description, actor_kind, actor_id, actor_channel, on_behalf_of)
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING id INTO posted;
    IF posted IS NULL THEN
        RETURN ledger._replayed(key, counts_on, relates_to_on, cause_type, cause_id, reverses_id, asked);
    END IF;
    PERFORM ledger._write_lines(posted, booked, effective, lines);
    RETURN posted;
END $$;

-- A reversal mirrors one entry, once.
CREATE FUNCTION ledger._check_reversal(of_entry_id bigint, lines ledger._line[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    already bigint;
BEGIN
    IF of_entry_id IS NULL THEN
        RETURN;
    END IF;
    SELECT id INTO already FROM ledger.entry WHERE reverses_id = of_entry_id;
    IF already IS NOT NULL THEN
        PERFORM ledger._refuse('PL027', 'The entry was already reversed',
            jsonb_build_object('entry_id', of_entry_id, 'reversed_by', already));
    END IF;
    IF NOT ledger._is_made_of(of_entry_id, lines, -1) THEN
        PERFORM ledger._refuse('PL002', 'A reversal is the exact mirror of an entry', jsonb_build_object('entry_id', of_entry_id));
    END IF;
END $$;

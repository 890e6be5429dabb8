-- Posting many entries at once. The caller fills two tables that belong to the owner and that it can only insert into; a
-- door never reads a table that its caller made, because a row policy on such a table would run as the owner.

-- DOOR. Makes the two empty tables of a batch: pg_temp.batch_entry and pg_temp.batch_line. They vanish with the transaction.
CREATE FUNCTION ledger.open_batch() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    DROP TABLE IF EXISTS pg_temp.batch_entry, pg_temp.batch_line;
    CREATE TEMPORARY TABLE batch_entry (
        entry integer PRIMARY KEY,              -- the batch's own number of the entry
        value_on date NOT NULL,
        relates_to_on date,
        key text NOT NULL,
        cause_type text NOT NULL,
        cause_id text NOT NULL,
        description text NOT NULL
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE batch_line (
        amount_cents bigint NOT NULL,
        member_account_id bigint,
        entry integer NOT NULL,
        line integer NOT NULL,                  -- counted from 1 within the entry
        branch_id integer NOT NULL,
        account text NOT NULL                   -- the chart's code
    ) ON COMMIT DROP;
    -- A temporary table is seen by its own session alone, so this lets in exactly the caller.
    GRANT INSERT ON pg_temp.batch_entry, pg_temp.batch_line TO PUBLIC;
END $$;

-- The tables must be those that open_batch made: the owner's, without policies, triggers or rules.
CREATE FUNCTION ledger._check_batch_tables() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF 2 <> (SELECT count(*) FROM pg_class c
              WHERE c.relnamespace = pg_my_temp_schema() AND c.relname IN ('batch_entry', 'batch_line')
                AND c.relkind = 'r' AND c.relpersistence = 't' AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                AND NOT c.relrowsecurity AND NOT c.relhastriggers AND NOT c.relhasrules AND NOT c.relhassubclass) THEN
        PERFORM ledger._refuse('PL004', 'A batch begins with open_batch');
    END IF;
END $$;

-- Numbers the entries and writes them. Most batches are new, so they are simply inserted; only when a key is already there
-- is the batch compared with what was posted. Returns how many entries were left out because they had been posted before.
CREATE FUNCTION ledger._write_entries(booked date, may_move boolean, by_kind text, by_id text, by_channel text, for_whom text)
RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    instant timestamptz := clock_timestamp();
    replayed bigint := 0;
BEGIN
    -- A batch holds few different dates, so each is decided once.
    CREATE TEMPORARY TABLE batch_date ON COMMIT DROP AS
    SELECT asked, ledger._value_date(asked, booked, may_move) AS effective
      FROM (SELECT DISTINCT value_on AS asked FROM pg_temp.batch_entry) d;
    ANALYZE pg_temp.batch_date;
    CREATE TEMPORARY TABLE batch_number ON COMMIT DROP AS
    SELECT e.entry, nextval('ledger.entry_id_seq') AS id, d.effective
      FROM (SELECT entry, value_on FROM pg_temp.batch_entry ORDER BY entry) e JOIN pg_temp.batch_date d ON d.asked = e.value_on;
    ANALYZE pg_temp.batch_number;
    LOOP
        BEGIN
            INSERT INTO ledger.entry (id, posted_at, booked_on, value_on, relates_to_on, idempotency_key, cause_type, cause_id,
                                      description, actor_kind, actor_id, actor_channel, on_behalf_of)
            SELECT n.id, instant, booked, n.effective,
                   CASE WHEN n.effective = e.value_on THEN e.relates_to_on ELSE coalesce(e.relates_to_on, e.value_on) END,
                   e.key, e.cause_type, e.cause_id, e.description, by_kind, by_id, by_channel, for_whom
              FROM pg_temp.batch_entry e JOIN pg_temp.batch_number n ON n.entry = e.entry ORDER BY n.id;
            RETURN replayed;
        EXCEPTION WHEN unique_violation THEN
            IF replayed > 0 THEN
                PERFORM ledger._refuse('PL002', 'A key appears twice in one batch');
            END IF;
            replayed := ledger._drop_replays();
            IF replayed = 0 THEN
                PERFORM ledger._refuse('PL002', 'A key appears twice in one batch');
            END IF;
        END;
    END LOOP;
END $$;

-- Takes out of the batch what was posted before under the same key; other money under a known key is refused.
CREATE FUNCTION ledger._drop_replays() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    dropped bigint;
BEGIN
    CREATE TEMPORARY TABLE batch_replay ON COMMIT DROP AS
    SELECT b.entry FROM pg_temp.batch_entry b JOIN ledger.entry e ON e.idempotency_key = b.key;
    ANALYZE pg_temp.batch_replay;
    PERFORM ledger._replayed(b.key, b.value_on, b.relates_to_on, b.cause_type, b.cause_id, NULL, l.lines)
       FROM pg_temp.batch_replay r
       JOIN pg_temp.batch_entry b ON b.entry = r.entry
       LEFT JOIN (SELECT l.entry, array_agg(ROW(a.id, l.branch_id, l.member_account_id, l.amount_cents)::ledger._line) AS lines
                    FROM pg_temp.batch_line l LEFT JOIN ledger.ledger_account a ON a.code = l.account
                   GROUP BY l.entry) l ON l.entry = r.entry;
    DELETE FROM pg_temp.batch_line l USING pg_temp.batch_replay r WHERE r.entry = l.entry;
    DELETE FROM pg_temp.batch_entry e USING pg_temp.batch_replay r WHERE r.entry = e.entry;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    DROP TABLE pg_temp.batch_replay;
    RETURN dropped;
END $$;

-- Every entry has two lines or more, numbered without a gap, and balances. Inter-branch lines are added where a branch would
-- not balance alone.
CREATE FUNCTION ledger._balance_batch(entries bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    inter_branch text := (SELECT code FROM ledger.ledger_account WHERE is_inter_branch);
    seen record;
    wrong record;
BEGIN
    SELECT count(*) AS entries, min(first_branch) <> max(last_branch) AS several_branches, coalesce(bool_or(is_wrong), false) AS is_wrong
      INTO seen
      FROM (SELECT min(branch_id) AS first_branch, max(branch_id) AS last_branch,
                   sum(amount_cents) <> 0 OR count(*) < 2 OR max(line) <> count(*) OR min(line) <> 1 AS is_wrong
              FROM pg_temp.batch_line GROUP BY entry) e;
    IF seen.is_wrong THEN
        SELECT entry, sum(amount_cents) AS difference INTO wrong FROM pg_temp.batch_line GROUP BY entry
        HAVING sum(amount_cents) <> 0 OR count(*) < 2 OR max(line) <> count(*) OR min(line) <> 1
         ORDER BY entry LIMIT 1;
        IF wrong.difference <> 0 THEN
            PERFORM ledger._refuse('PL003', 'Debits and credits differ',
                jsonb_build_object('entry', wrong.entry, 'difference_cents', wrong.difference));
        END IF;
        PERFORM ledger._refuse('PL002', 'An entry has two or more lines, numbered from 1 without a gap',
            jsonb_build_object('entry', wrong.entry));
    ELSIF seen.entries <> entries THEN
        PERFORM ledger._refuse('PL002', 'Each entry of a batch has lines, and each line an entry');
    ELSIF seen.several_branches THEN
        INSERT INTO pg_temp.batch_line (entry, line, account, branch_id, amount_cents)
        SELECT entry, lines + row_number() OVER (PARTITION BY entry ORDER BY branch_id), inter_branch, branch_id, -amount
          FROM (SELECT entry, branch_id, sum(amount_cents) AS amount,
                       (sum(count(*)) OVER (PARTITION BY entry))::integer AS lines
                  FROM pg_temp.batch_line GROUP BY entry, branch_id) b
         WHERE amount <> 0;
    END IF;
END $$;

-- The batch's change of each (ledger account, branch, member account), and the check that each may be posted to.
CREATE FUNCTION ledger._total_batch() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    unknown text;
BEGIN
    CREATE TEMPORARY TABLE batch_total ON COMMIT DROP AS
    SELECT t.member_account_id, a.id AS ledger_account_id, t.branch_id, t.change, t.account
      FROM (SELECT account, branch_id, member_account_id, sum(amount_cents)::bigint AS change
              FROM pg_temp.batch_line GROUP BY 1, 2, 3) t
      LEFT JOIN ledger.ledger_account a ON a.code = t.account;
    ANALYZE pg_temp.batch_total;
    SELECT account INTO unknown FROM pg_temp.batch_total WHERE ledger_account_id IS NULL LIMIT 1;
    IF unknown IS NOT NULL THEN
        PERFORM ledger._refuse('PL020', 'No such ledger account', jsonb_build_object('code', unknown));
    END IF;
    PERFORM ledger._check_accounts((
        SELECT array_agg(ROW(ledger_account_id, branch_id, member_account_id, 1)::ledger._line)
          FROM (SELECT DISTINCT ON (ledger_account_id, branch_id, member_account_id IS NULL)
                       ledger_account_id, branch_id, member_account_id FROM pg_temp.batch_total) d));
END $$;

-- Locks all balances of the batch in ascending order and checks them as they are then: open, and not below their floor. What
-- is wrong is put into words by the functions that do so for one entry.
CREATE FUNCTION ledger._lock_batch() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    good bigint;
    totals ledger._line[];
BEGIN
    SELECT count(*) FILTER (WHERE is_good) INTO good FROM (
        SELECT b.is_open AND ((b.amount_cents + t.change) * b.natural_side - b.held_cents < b.floor_cents) IS NOT TRUE AS is_good
          FROM ledger.balance b
          JOIN pg_temp.batch_total t ON (b.member_account_id, b.ledger_account_id, b.branch_id)
                                      = (t.member_account_id, t.ledger_account_id, t.branch_id)
         ORDER BY b.member_account_id, b.ledger_account_id, b.branch_id FOR NO KEY UPDATE OF b) locked;
    IF good <> (SELECT count(*) FROM pg_temp.batch_total WHERE member_account_id IS NOT NULL) THEN
        SELECT array_agg(ROW(ledger_account_id, branch_id, member_account_id, change)::ledger._line) INTO totals
          FROM pg_temp.batch_total WHERE member_account_id IS NOT NULL;
        PERFORM ledger._refuse_balances(totals);
    END IF;
END $$;

-- Writes the lines and moves the balances.
CREATE FUNCTION ledger._write_batch_lines(booked date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    INSERT INTO ledger.posting (entry_id, line, ledger_account_id, branch_id, member_account_id, amount_cents, booked_on, value_on)
    SELECT n.id, l.line, a.id, l.branch_id, l.member_account_id, l.amount_cents, booked, n.effective
      FROM pg_temp.batch_line l
      JOIN pg_temp.batch_number n ON n.entry = l.entry
      JOIN ledger.ledger_account a ON a.code = l.account;
    GET DIAGNOSTICS written = ROW_COUNT;
    UPDATE ledger.balance b SET amount_cents = b.amount_cents + t.change
      FROM pg_temp.batch_total t
     WHERE (b.member_account_id, b.ledger_account_id, b.branch_id) = (t.member_account_id, t.ledger_account_id, t.branch_id);
    RETURN written;
END $$;

-- DOOR. Posts what is in the tables of open_batch, all of it or nothing, and drops them. Entries whose key is known are
-- left out if they are the same; how many is returned beside what was written.
CREATE FUNCTION ledger.post_batch(
    actor_kind text, actor_id text, actor_channel text, on_behalf_of text,
    booked_on date DEFAULT NULL, may_move boolean DEFAULT true,
    OUT entry_count bigint, OUT posting_count bigint, OUT replayed_count bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '256MB' AS $$
DECLARE
    booked date := ledger._booking_date(booked_on, actor_kind, actor_id);
BEGIN
    PERFORM ledger._check_batch_tables();
    ANALYZE pg_temp.batch_entry, pg_temp.batch_line;
    replayed_count := ledger._write_entries(booked, may_move, actor_kind, actor_id, actor_channel, on_behalf_of);
    SELECT count(*) INTO entry_count FROM pg_temp.batch_entry;
    PERFORM ledger._total_batch();
    PERFORM ledger._balance_batch(entry_count);
    PERFORM ledger._lock_batch();
    posting_count := ledger._write_batch_lines(booked);
    IF posting_count <> (SELECT count(*) FROM pg_temp.batch_line) THEN
        PERFORM ledger._refuse('PL002', 'Each entry of a batch has lines, and each line an entry');
    END IF;
    DROP TABLE pg_temp.batch_entry, pg_temp.batch_line, pg_temp.batch_date, pg_temp.batch_total, pg_temp.batch_number;
END $$;

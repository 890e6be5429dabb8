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
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF 2 <> (SELECT count(*) FROM pg_class c
              WHERE c.relnamespace = pg_my_temp_schema() AND c.relname IN ('batch_entry', 'batch_line')
                AND c.relkind = 'r' AND c.relpersistence = 't' AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                AND NOT c.relrowsecurity AND NOT c.relhastriggers AND NOT c.relhasrules AND NOT c.relhassubclass) THEN
        PERFORM ledger._refuse('PL004', 'A batch begins with open_batch');
    END IF;
END $$;

-- When each entry of the batch counts. A batch holds few different dates, so each is decided once.
CREATE FUNCTION ledger._date_batch(booked date, may_move boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CREATE TEMPORARY TABLE batch_date ON COMMIT DROP AS
    SELECT asked, ledger._value_date(asked, booked, may_move) AS effective
      FROM (SELECT DISTINCT value_on AS asked FROM pg_temp.batch_entry) d;
END $$;

-- Every entry has two lines or more, numbered without a gap, and balances; inter-branch lines are added where a branch
-- would not balance alone.
CREATE FUNCTION ledger._balance_batch() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '256MB' AS $$
DECLARE
    branches bigint;
    wrong record;
BEGIN
    SELECT count(DISTINCT branch_id) INTO branches FROM pg_temp.batch_line;
    SELECT entry, sum(amount_cents) AS difference INTO wrong FROM pg_temp.batch_line GROUP BY entry
    HAVING sum(amount_cents) <> 0 OR count(*) < 2 OR max(line) <> count(*) OR min(line) <> 1 LIMIT 1;
    IF wrong.entry IS NOT NULL AND wrong.difference <> 0 THEN
        PERFORM ledger._refuse('PL003', 'Debits and credits differ',
            jsonb_build_object('entry', wrong.entry, 'difference_cents', wrong.difference));
    ELSIF wrong.entry IS NOT NULL THEN
        PERFORM ledger._refuse('PL002', 'An entry has two or more lines, numbered from 1 without a gap',
            jsonb_build_object('entry', wrong.entry));
    END IF;
    IF branches > 1 THEN
        INSERT INTO pg_temp.batch_line (entry, line, account, branch_id, amount_cents)
        SELECT entry, lines + row_number() OVER (PARTITION BY entry ORDER BY branch_id),
               (SELECT code FROM ledger.ledger_account WHERE is_inter_branch), branch_id, -amount
          FROM (SELECT entry, branch_id, sum(amount_cents) AS amount,
                       (sum(count(*)) OVER (PARTITION BY entry))::integer AS lines
                  FROM pg_temp.batch_line GROUP BY entry, branch_id) b
         WHERE amount <> 0;
    END IF;
END $$;

-- The batch's change of each (ledger account, branch, member account), and the check that each may be posted to.
CREATE FUNCTION ledger._total_batch() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '256MB' AS $$
DECLARE
    inter_branch text := (SELECT code FROM ledger.ledger_account WHERE is_inter_branch);
    unknown text;
BEGIN
    IF EXISTS (SELECT FROM pg_temp.batch_line WHERE account = inter_branch) THEN
        PERFORM ledger._refuse('PL002', 'Inter-branch lines are added by the ledger', jsonb_build_object('code', inter_branch));
    END IF;
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
    PERFORM ledger._check_accounts(array_agg(l)) FROM (
        SELECT DISTINCT ledger_account_id, branch_id,
               CASE WHEN member_account_id IS NOT NULL THEN 0 END::bigint AS member_account_id, 1::bigint AS amount_cents
          FROM pg_temp.batch_total) d, LATERAL (SELECT ROW(d.*)::ledger._line) AS x (l);
END $$;

-- The same locks and checks as for one entry, for all balances of the batch at once.
CREATE FUNCTION ledger._lock_batch() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '256MB' AS $$
DECLARE
    totals ledger._line[];
BEGIN
    PERFORM FROM ledger.balance b
       JOIN pg_temp.batch_total t ON (b.member_account_id, b.ledger_account_id, b.branch_id)
                                   = (t.member_account_id, t.ledger_account_id, t.branch_id)
      ORDER BY b.member_account_id, b.ledger_account_id, b.branch_id FOR NO KEY UPDATE OF b;
    -- Whatever is wrong is put into words by the functions that do so for one entry.
    SELECT array_agg(ROW(t.ledger_account_id, t.branch_id, t.member_account_id, t.change)::ledger._line) INTO totals
      FROM pg_temp.batch_total t
      LEFT JOIN ledger.balance b ON (b.member_account_id, b.ledger_account_id, b.branch_id)
                                  = (t.member_account_id, t.ledger_account_id, t.branch_id)
      LEFT JOIN ledger.member_account m ON m.id = t.member_account_id
     WHERE t.member_account_id IS NOT NULL
       AND (b.member_account_id IS NULL OR m.closed_on IS NOT NULL OR m.branch_id <> t.branch_id
            OR (b.amount_cents + t.change) * b.natural_side - b.held_cents < b.floor_cents);
    IF totals IS NOT NULL THEN
        PERFORM ledger._lock_balances(totals);
        PERFORM ledger._check_floors(totals);
    END IF;
END $$;

-- Numbers and writes entries and lines, and moves the balances.
CREATE FUNCTION ledger._write_batch(booked date, by_kind text, by_id text, by_channel text, for_whom text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '256MB' AS $$
DECLARE
    written bigint;
    instant timestamptz := clock_timestamp();
BEGIN
    CREATE TEMPORARY TABLE batch_number ON COMMIT DROP AS
    SELECT e.entry, nextval('ledger.entry_id_seq') AS id, d.effective
      FROM pg_temp.batch_entry e JOIN pg_temp.batch_date d ON d.asked = e.value_on ORDER BY e.entry;
    ANALYZE pg_temp.batch_number;
    INSERT INTO ledger.entry (id, posted_at, booked_on, value_on, relates_to_on, idempotency_key, cause_type, cause_id,
                              description, actor_kind, actor_id, actor_channel, on_behalf_of)
    SELECT n.id, instant, booked, n.effective,
           CASE WHEN n.effective = e.value_on THEN e.relates_to_on ELSE coalesce(e.relates_to_on, e.value_on) END,
           e.key, e.cause_type, e.cause_id, e.description, by_kind, by_id, by_channel, for_whom
      FROM pg_temp.batch_entry e JOIN pg_temp.batch_number n ON n.entry = e.entry;
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

-- Takes out of the batch what was posted before under the same key; other money under a known key is refused.
CREATE FUNCTION ledger._drop_replays() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '256MB' AS $$
DECLARE
    again integer[];
BEGIN
    SELECT array_agg(b.entry ORDER BY b.entry) INTO again
      FROM pg_temp.batch_entry b JOIN ledger.entry e ON e.idempotency_key = b.key;
    IF again IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM ledger._replayed(b.key, b.value_on, b.relates_to_on, b.cause_type, b.cause_id, NULL, l.lines)
       FROM pg_temp.batch_entry b
       JOIN (SELECT l.entry, array_agg(ROW(a.id, l.branch_id, l.member_account_id, l.amount_cents)::ledger._line) AS lines
               FROM pg_temp.batch_line l JOIN ledger.ledger_account a ON a.code = l.account
              WHERE l.entry = ANY (again) GROUP BY l.entry) l ON l.entry = b.entry;
    DELETE FROM pg_temp.batch_line WHERE entry = ANY (again);
    DELETE FROM pg_temp.batch_entry WHERE entry = ANY (again);
    RETURN cardinality(again);
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
    expected bigint;
BEGIN
    PERFORM ledger._check_batch_tables();
    ANALYZE pg_temp.batch_entry, pg_temp.batch_line;
    replayed_count := ledger._drop_replays();
    SELECT count(*) INTO entry_count FROM pg_temp.batch_entry;
    IF (SELECT count(DISTINCT entry) FROM pg_temp.batch_line) <> entry_count THEN
        PERFORM ledger._refuse('PL002', 'Each entry of a batch has lines, and each line an entry');
    END IF;
    PERFORM ledger._date_batch(booked, may_move);
    PERFORM ledger._total_batch();
    PERFORM ledger._balance_batch();
    SELECT count(*) INTO expected FROM pg_temp.batch_line;
    PERFORM ledger._lock_batch();
    posting_count := ledger._write_batch(booked, actor_kind, actor_id, actor_channel, on_behalf_of);
    IF posting_count <> expected THEN
        PERFORM ledger._refuse('PL002', 'Each entry of a batch has lines, and each line an entry');
    END IF;
    DROP TABLE pg_temp.batch_entry, pg_temp.batch_line, pg_temp.batch_date, pg_temp.batch_total, pg_temp.batch_number;
END $$;

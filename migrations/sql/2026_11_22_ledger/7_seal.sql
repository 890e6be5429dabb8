-- The seal of a day. docs/ledger-seal.md describes the canonical form; tests check it with an implementation of their own.

-- One digest for each entry booked on a day. Read by the seal alone: `ledger verify` brings its own copy of this query, so
-- that whoever can change a function in the database cannot hide behind it.
CREATE FUNCTION ledger._digests(the_date date) RETURNS TABLE (entry_id bigint, digest bytea)
LANGUAGE sql STABLE AS $$
    SELECT e.id, sha256(convert_to(concat('[', e.id, ',"', to_char(e.booked_on, 'YYYY-MM-DD'), '","', to_char(e.value_on, 'YYYY-MM-DD'), '",',
               coalesce('"' || to_char(e.relates_to_on, 'YYYY-MM-DD') || '"', 'null'), ',"',
               to_char(e.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
               to_json(e.cause_type), ',', to_json(e.cause_id), ',', to_json(e.description), ',',
               to_json(e.actor_kind), ',', to_json(e.actor_id), ',', to_json(e.actor_channel), ',',
               coalesce(to_json(e.on_behalf_of)::text, 'null'), ',', to_json(e.idempotency_key), ',',
               coalesce(e.reverses_id::text, 'null'), ',[', l.lines, ']]'), 'UTF8'))
      FROM ledger.entry e
      LEFT JOIN (
          SELECT p.entry_id, string_agg(concat('[', p.line, ',"', a.code, '","', b.code, '",',
                     coalesce('"' || m.number || '"', 'null'), ',', p.amount_cents, ']'), ',' ORDER BY p.line) AS lines
            FROM ledger.posting p
            LEFT JOIN ledger.ledger_account a ON a.id = p.ledger_account_id
            LEFT JOIN ledger.branch b ON b.id = p.branch_id
            LEFT JOIN ledger.member_account m ON m.id = p.member_account_id
           WHERE p.booked_on = the_date
           GROUP BY p.entry_id) l ON l.entry_id = e.id
     WHERE e.booked_on = the_date
$$;

-- DOOR. Seals a day that is over: its daily totals, a digest for each entry, and a hash over them that is chained to the day
-- before. Returns the hash; a day that is sealed keeps its seal.
CREATE FUNCTION ledger.seal_day(the_date date, actor text) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off SET work_mem = '256MB'
-- The statistics have not seen the day yet, so the planner takes it for a handful of rows and would loop over it.
SET enable_nestloop = off AS $$
DECLARE
    state_of_day text;
    unsealed date;
    before bytea;
    totals record;
    result bytea;
BEGIN
    -- Waits for the day's own close to finish posting, and keeps it from posting more.
    SELECT state INTO state_of_day FROM ledger.business_day WHERE on_date = the_date FOR UPDATE;
    IF state_of_day = 'sealed' THEN
        RETURN (SELECT hash FROM ledger.seal WHERE on_date = the_date);
    END IF;
    SELECT min(on_date) INTO unsealed FROM ledger.business_day WHERE state <> 'sealed';
    IF state_of_day IS DISTINCT FROM 'closing' OR unsealed < the_date THEN
        PERFORM ledger._refuse('PL016', 'A day is sealed once it is over and the days before it are sealed',
            jsonb_build_object('on', the_date, 'state', state_of_day, 'first_unsealed', unsealed));
    END IF;
    SELECT hash INTO before FROM ledger.seal ORDER BY on_date DESC LIMIT 1;
    before := coalesce(before, decode(repeat('00', 32), 'hex'));

    INSERT INTO ledger.entry_digest (entry_id, booked_on, digest) SELECT d.entry_id, the_date, d.digest FROM ledger._digests(the_date) d;
    INSERT INTO ledger.daily_total (ledger_account_id, branch_id, booked_on, value_on, debit_cents, credit_cents, posting_count)
    SELECT ledger_account_id, branch_id, the_date, value_on, coalesce(sum(amount_cents) FILTER (WHERE amount_cents > 0), 0),
           coalesce(-sum(amount_cents) FILTER (WHERE amount_cents < 0), 0), count(*)
      FROM ledger.posting WHERE booked_on = the_date GROUP BY ledger_account_id, branch_id, value_on;

    SELECT count(*) AS entry_count, coalesce(string_agg(digest, ''::bytea ORDER BY entry_id), ''::bytea) AS digests INTO totals
      FROM ledger.entry_digest WHERE booked_on = the_date;
    result := sha256(convert_to(concat('pamoja-day-1', E'\n', to_char(the_date, 'YYYY-MM-DD'), E'\n', encode(before, 'hex'), E'\n',
                                       totals.entry_count, E'\n'), 'UTF8') || totals.digests);
    INSERT INTO ledger.seal (on_date, hash, previous_hash, entry_count, posting_count, debit_cents, sealed_at, sealed_by)
    SELECT the_date, result, before, totals.entry_count, coalesce(sum(posting_count), 0), coalesce(sum(debit_cents), 0),
           clock_timestamp(), actor
      FROM ledger.daily_total WHERE booked_on = the_date;
    UPDATE ledger.business_day SET state = 'sealed', sealed_at = clock_timestamp() WHERE on_date = the_date;
    RETURN result;
END $$;

-- Business days and periods.

CREATE FUNCTION ledger._open_day(the_date date) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ledger.period (month, state, opened_at) VALUES (date_trunc('month', the_date::timestamp)::date, 'open', clock_timestamp())
    ON CONFLICT DO NOTHING;
    INSERT INTO ledger.business_day (on_date, state, opened_at) VALUES (the_date, 'open', clock_timestamp());
$$;

-- DOOR. Opens the books on their first day. Returns whether they were not open yet.
CREATE FUNCTION ledger.open_books(first_day date, actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ledger._enter_alone();
    IF EXISTS (SELECT FROM ledger.business_day) THEN
        RETURN false;
    END IF;
    PERFORM ledger._open_day(first_day);
    PERFORM ledger._note('open_books', to_char(first_day, 'YYYY-MM-DD'), actor);
    RETURN true;
END $$;

-- DOOR. Ends the business date and opens the next day, one at a time. Whoever names a day that is over changes nothing.
CREATE FUNCTION ledger.roll_day(ending date, actor text) RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today date;
BEGIN
    PERFORM ledger._enter_alone();
    SELECT on_date INTO today FROM ledger.business_day WHERE state = 'open';
    IF today IS NULL THEN
        PERFORM ledger._refuse('PL010', 'The books have not been opened');
    ELSIF today <> ending THEN
        RETURN today;
    END IF;
    UPDATE ledger.business_day SET state = 'closing', ended_at = clock_timestamp() WHERE on_date = today;
    PERFORM ledger._open_day(today + 1);
    PERFORM ledger._note('roll_day', to_char(ending, 'YYYY-MM-DD'), actor);
    RETURN today + 1;
END $$;

-- DOOR. Opens a month before the first, for what is brought in from elsewhere. Later months are opened by the roll, and a
-- closed one is not opened again: what comes late counts from the first open day.
CREATE FUNCTION ledger.open_period(the_month date, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_month date;
BEGIN
    PERFORM ledger._enter_alone();
    SELECT min(month) INTO first_month FROM ledger.period WHERE NOT EXISTS (SELECT FROM ledger.period WHERE state = 'closed');
    IF EXISTS (SELECT FROM ledger.period WHERE month = the_month AND state = 'open') THEN
        RETURN;
    ELSIF the_month IS DISTINCT FROM (first_month - interval '1 month')::date THEN
        PERFORM ledger._refuse('PL014', 'Only the month before the first can be opened, as long as none is closed',
            jsonb_build_object('month', the_month));
    END IF;
    INSERT INTO ledger.period (month, state, opened_at) VALUES (the_month, 'open', clock_timestamp());
    PERFORM ledger._note('open_period', to_char(the_month, 'YYYY-MM'), actor);
END $$;

-- DOOR. Nothing counts in a closed month any more. Months are closed in order, once all of their days are sealed.
CREATE FUNCTION ledger.close_period(the_month date, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ledger._enter_alone();
    IF EXISTS (SELECT FROM ledger.period WHERE month = the_month AND state = 'closed') THEN
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM ledger.period WHERE month = the_month)
       OR EXISTS (SELECT FROM ledger.period WHERE month < the_month AND state = 'open')
       OR EXISTS (SELECT FROM ledger.business_day WHERE state <> 'sealed' AND on_date < (the_month + interval '1 month')) THEN
        PERFORM ledger._refuse('PL015', 'A month is closed after the ones before it, when each of its days is sealed',
            jsonb_build_object('month', the_month));
    END IF;
    UPDATE ledger.period SET state = 'closed', closed_at = clock_timestamp() WHERE month = the_month;
    PERFORM ledger._note('close_period', to_char(the_month, 'YYYY-MM'), actor);
END $$;

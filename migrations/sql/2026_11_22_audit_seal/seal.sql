-- The seal of the audit trail. docs/audit-seal.md describes the canonical form; tests check it with an implementation of
-- their own. Functions run as the owner with a fixed search path that ends in pg_temp, and name every object in full.

-- Files each new row under a day that is not closed, and gives it its number. A row that comes late is filed under the first
-- open day, so nothing slips in behind a seal. Whoever writes shares the gate until the transaction ends; closing a day
-- waits for all of them. The day is read after the lock is held, in a statement with a snapshot of its own.
CREATE FUNCTION public.file_audit_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_open_day date;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'The audit trail is written in read committed transactions only';
    END IF;
    LOCK TABLE public.audit_gate IN ROW SHARE MODE;
    SELECT open_on INTO first_open_day FROM public.audit_gate;
    NEW.id := uuidv7();
    NEW.filed_on := greatest((NEW.at AT TIME ZONE interval '3 hours')::date, first_open_day);
    RETURN NEW;
END $$;

CREATE TRIGGER file_under_a_day BEFORE INSERT ON public.audit_event
    FOR EACH ROW EXECUTE FUNCTION public.file_audit_event();

-- A closed day stays closed, for the owner too.
CREATE TRIGGER stay_closed BEFORE UPDATE ON public.audit_gate
    FOR EACH ROW WHEN (NEW.open_on IS NULL OR NEW.open_on <= OLD.open_on) EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON public.audit_gate
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

-- One digest for each row filed under a day. Read by the seal alone: `audit verify` brings its own copy of this query, so
-- that whoever can change a function in the database cannot hide behind it.
CREATE FUNCTION public.audit_digests(the_date date) RETURNS TABLE (event_id uuid, digest bytea)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.id, sha256(convert_to(concat('["', e.id, '","', to_char(e.filed_on, 'YYYY-MM-DD'), '","',
               to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
               to_json(e.action), ',', to_json(e.subject_type), ',', to_json(e.subject_id), ',',
               to_json(e.actor_kind), ',', to_json(e.actor_id), ',', to_json(e.channel), ',',
               coalesce(to_json(e.address)::text, 'null'), ',', coalesce(to_json(e.on_behalf_of)::text, 'null'), ',',
               coalesce(e.branch_id::text, 'null'), ',', coalesce(to_json(e.request_id)::text, 'null'), ',',
               coalesce(e.before::text, 'null'), ',', coalesce(e.after::text, 'null'), ']'), 'UTF8'))
      FROM public.audit_event e
     WHERE e.filed_on = the_date
$$;

-- DOOR. Closes every day up to this one: from now on nothing is filed under it. Gives up soon, because who waits here holds
-- up everybody behind whoever is still writing; the caller tries again.
CREATE FUNCTION public.close_audit_day(the_date date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
BEGIN
    LOCK TABLE public.audit_gate IN EXCLUSIVE MODE;
    UPDATE public.audit_gate SET open_on = the_date + 1 WHERE open_on IS NULL OR open_on <= the_date;
END $$;

-- DOOR. Seals a closed day, and before it every earlier day that has no seal yet: a digest for each row, and a hash over
-- them that is chained to the day before. Returns the hash; a day that is sealed keeps its seal.
CREATE FUNCTION public.seal_audit_day(the_date date, actor text) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off SET work_mem = '256MB' AS $$
DECLARE
    first_open_day date;
    the_day date;
    before bytea;
    counted record;
    result bytea;
BEGIN
    SELECT open_on INTO first_open_day FROM public.audit_gate FOR UPDATE;
    IF first_open_day IS NULL OR the_date >= first_open_day THEN
        RAISE EXCEPTION 'A day of the audit trail is closed before it is sealed';
    END IF;
    SELECT on_date + 1, hash INTO the_day, before FROM public.audit_seal ORDER BY on_date DESC LIMIT 1;
    IF the_day IS NULL THEN
        SELECT least(min(filed_on), the_date) INTO the_day FROM public.audit_event;
        before := decode(repeat('00', 32), 'hex');
    END IF;
    WHILE the_day <= the_date LOOP
        INSERT INTO public.audit_digest (event_id, filed_on, digest)
        SELECT d.event_id, the_day, d.digest FROM public.audit_digests(the_day) d;
        SELECT count(*) AS events, coalesce(string_agg(digest, ''::bytea ORDER BY event_id), ''::bytea) AS digests INTO counted
          FROM public.audit_digest WHERE filed_on = the_day;
        result := sha256(convert_to(concat('pamoja-audit-day-1', E'\n', to_char(the_day, 'YYYY-MM-DD'), E'\n',
                      encode(before, 'hex'), E'\n', counted.events, E'\n'), 'UTF8') || counted.digests);
        INSERT INTO public.audit_seal (on_date, hash, previous_hash, event_count, sealed_at, sealed_by)
        VALUES (the_day, result, before, counted.events, clock_timestamp(), actor);
        before := result;
        the_day := the_day + 1;
    END LOOP;
    RETURN (SELECT hash FROM public.audit_seal WHERE on_date = the_date);
END $$;

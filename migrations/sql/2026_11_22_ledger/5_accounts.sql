-- Branches, the chart, member accounts, floors and holds. An actor is written kind:id, as in staff:0198….

CREATE FUNCTION ledger._note(the_act text, the_subject text, the_actor text, the_facts jsonb DEFAULT '{}') RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ledger.act (acted_at, act, subject, facts, actor)
    VALUES (clock_timestamp(), the_act, the_subject, jsonb_strip_nulls(the_facts), the_actor)
$$;

-- DOOR
CREATE FUNCTION ledger.add_branch(code text, name text, actor text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added integer;
BEGIN
    INSERT INTO ledger.branch (code, name) VALUES (add_branch.code, add_branch.name)
    ON CONFLICT ON CONSTRAINT uq_branch_code DO NOTHING RETURNING id INTO added;
    IF added IS NULL THEN
        PERFORM ledger._refuse('PL030', 'This branch code is taken', jsonb_build_object('code', code));
    END IF;
    PERFORM ledger._note('add_branch', code, actor, jsonb_build_object('name', name));
    RETURN added;
END $$;

-- DOOR. The natural side follows from the type unless the account is a contra account.
CREATE FUNCTION ledger.add_ledger_account(code text, name text, type text, is_control boolean, is_contra boolean,
                                          form_line text, actor text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added integer;
BEGIN
    INSERT INTO ledger.ledger_account (code, name, type, natural_side, is_control, form_line)
    VALUES (add_ledger_account.code, add_ledger_account.name, add_ledger_account.type,
            CASE WHEN (add_ledger_account.type IN ('asset', 'expense', 'memo')) <> is_contra THEN 1 ELSE -1 END,
            add_ledger_account.is_control, add_ledger_account.form_line)
    ON CONFLICT ON CONSTRAINT uq_ledger_account_code DO NOTHING RETURNING id INTO added;
    IF added IS NULL THEN
        PERFORM ledger._refuse('PL031', 'This ledger account exists', jsonb_build_object('code', code));
    END IF;
    PERFORM ledger._note('add_ledger_account', code, actor, jsonb_build_object('name', name, 'type', type,
        'is_control', is_control, 'is_contra', is_contra, 'form_line', form_line));
    RETURN added;
END $$;

-- DOOR. No entry touches a retired account any more; its history stays.
CREATE FUNCTION ledger.retire_ledger_account(the_code text, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ledger._enter_alone();              -- whoever is posting to it finishes first
    UPDATE ledger.ledger_account SET is_active = false WHERE code = the_code AND NOT is_inter_branch;
    IF NOT FOUND THEN
        PERFORM ledger._refuse('PL020', 'No such ledger account', jsonb_build_object('code', the_code));
    END IF;
    PERFORM ledger._note('retire_ledger_account', the_code, actor);
END $$;

-- DOOR. Opens one member account for each number, with a balance on each control account. The first control account is that
-- of the money itself, and the floor holds for it.
-- Returns the ids in the order of the numbers.
CREATE FUNCTION ledger.open_accounts(the_kind text, numbers text[], branches integer[], controls text[], floor_cents bigint,
                                     actor text) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today date := ledger._enter();
    taken text;
    wrong text;
    opened bigint[];
BEGIN
    SELECT number INTO taken FROM ledger.member_account WHERE number = ANY (numbers) LIMIT 1;
    IF taken IS NOT NULL THEN
        PERFORM ledger._refuse('PL032', 'This account number is taken', jsonb_build_object('number', taken));
    END IF;
    SELECT c.code INTO wrong FROM unnest(controls) c (code)
      LEFT JOIN ledger.ledger_account a ON a.code = c.code AND a.is_control AND a.is_active WHERE a.id IS NULL LIMIT 1;
    IF wrong IS NOT NULL OR coalesce(cardinality(controls), 0) = 0 THEN
        PERFORM ledger._refuse('PL002', 'A member account is kept on active control accounts', jsonb_build_object('code', wrong));
    END IF;
    WITH wanted AS (
        SELECT nextval('ledger.member_account_id_seq') AS id, w.number, w.branch_id, w.position
          FROM unnest(numbers, branches) WITH ORDINALITY AS w (number, branch_id, position)
    ), account AS (
        INSERT INTO ledger.member_account (id, number, kind, branch_id, ledger_account_id, opened_on, opened_by)
        SELECT w.id, w.number, the_kind, w.branch_id, a.id, today, actor
          FROM wanted w JOIN ledger.ledger_account a ON a.code = controls[1] ORDER BY w.position
    ), kept AS (
        INSERT INTO ledger.balance (member_account_id, ledger_account_id, branch_id, natural_side, floor_cents)
        SELECT w.id, a.id, w.branch_id, a.natural_side, CASE WHEN c.position = 1 THEN open_accounts.floor_cents END
          FROM wanted w CROSS JOIN unnest(controls) WITH ORDINALITY AS c (code, position)
          JOIN ledger.ledger_account a ON a.code = c.code
         ORDER BY w.id, a.id
    )
    SELECT array_agg(id ORDER BY position) INTO opened FROM wanted;
    RETURN opened;
END $$;

-- DOOR. Keeps an open member account on one more control account.
CREATE FUNCTION ledger.add_balance(the_account bigint, code text, floor_cents bigint, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account ledger.member_account;
BEGIN
    PERFORM ledger._enter();
    account := ledger._open_account_for_update(the_account);
    INSERT INTO ledger.balance (member_account_id, ledger_account_id, branch_id, natural_side, floor_cents)
    SELECT account.id, a.id, account.branch_id, a.natural_side, add_balance.floor_cents
      FROM ledger.ledger_account a WHERE a.code = add_balance.code AND a.is_control AND a.is_active
    ON CONFLICT DO NOTHING;
    IF NOT EXISTS (SELECT FROM ledger.balance b JOIN ledger.ledger_account a ON a.id = b.ledger_account_id
                    WHERE b.member_account_id = account.id AND a.code = add_balance.code) THEN
        PERFORM ledger._refuse('PL002', 'A member account is kept on active control accounts', jsonb_build_object('code', code));
    END IF;
    PERFORM ledger._note('add_balance', account.number, actor, jsonb_build_object('code', code, 'floor_cents', floor_cents));
END $$;

-- The account's row, locked, if it exists and is open. Taken before its balances by every door that changes the account.
CREATE FUNCTION ledger._open_account_for_update(the_account bigint) RETURNS ledger.member_account
LANGUAGE plpgsql AS $$
DECLARE
    account ledger.member_account;
BEGIN
    SELECT * INTO account FROM ledger.member_account WHERE id = the_account FOR NO KEY UPDATE;
    IF account.id IS NULL THEN
        PERFORM ledger._refuse('PL024', 'No such member account', jsonb_build_object('member_account_id', the_account));
    ELSIF account.closed_on IS NOT NULL THEN
        PERFORM ledger._refuse('PL025', 'The member account is closed',
            jsonb_build_object('number', account.number, 'closed_on', account.closed_on));
    END IF;
    RETURN account;
END $$;

-- The balance of an account on one ledger account at its own branch, locked.
CREATE FUNCTION ledger._balance_for_update(account ledger.member_account, the_code text) RETURNS ledger.balance
LANGUAGE plpgsql AS $$
DECLARE
    kept ledger.balance;
BEGIN
    SELECT b.* INTO kept FROM ledger.balance b JOIN ledger.ledger_account a ON a.id = b.ledger_account_id
     WHERE b.member_account_id = account.id AND b.branch_id = account.branch_id AND a.code = the_code FOR NO KEY UPDATE OF b;
    IF kept.member_account_id IS NULL THEN
        PERFORM ledger._refuse('PL002', 'The member account is not kept on this ledger account',
            jsonb_build_object('number', account.number, 'code', the_code));
    END IF;
    RETURN kept;
END $$;

-- DOOR. Closes an account that is empty on every ledger account and has nothing held.
CREATE FUNCTION ledger.close_account(the_account bigint, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today date := ledger._enter();
    account ledger.member_account := ledger._open_account_for_update(the_account);
    left_over record;
BEGIN
    PERFORM FROM ledger.balance WHERE member_account_id = account.id
      ORDER BY member_account_id, ledger_account_id, branch_id FOR NO KEY UPDATE;
    SELECT a.code, b.amount_cents * b.natural_side AS balance_cents, b.held_cents INTO left_over
      FROM ledger.balance b JOIN ledger.ledger_account a ON a.id = b.ledger_account_id
     WHERE b.member_account_id = account.id AND (b.amount_cents <> 0 OR b.held_cents <> 0) LIMIT 1;
    IF left_over.code IS NOT NULL THEN
        PERFORM ledger._refuse('PL033', 'The account is not empty', to_jsonb(left_over) || jsonb_build_object('number', account.number));
    END IF;
    UPDATE ledger.balance SET is_open = false WHERE member_account_id = account.id;
    UPDATE ledger.member_account SET closed_on = today, closed_by = actor WHERE id = account.id;
END $$;

-- DOOR. Below which the free balance may not go; none lifts the limit, which nothing may be held against.
CREATE FUNCTION ledger.set_floor(the_account bigint, code text, floor_cents bigint, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account ledger.member_account := ledger._open_account_for_update(the_account);
    kept ledger.balance := ledger._balance_for_update(account, code);
    free bigint := kept.amount_cents * kept.natural_side - kept.held_cents;
BEGIN
    IF free < floor_cents OR (floor_cents IS NULL AND kept.held_cents > 0) THEN
        PERFORM ledger._refuse('PL026', 'The balance is too low', jsonb_build_object('number', account.number, 'code', code,
            'available_cents', free, 'asked_cents', floor_cents));
    END IF;
    UPDATE ledger.balance b SET floor_cents = set_floor.floor_cents
     WHERE (b.member_account_id, b.ledger_account_id, b.branch_id) = (kept.member_account_id, kept.ledger_account_id, kept.branch_id);
    PERFORM ledger._note('set_floor', account.number, actor,
        jsonb_build_object('code', code, 'from_cents', kept.floor_cents, 'to_cents', floor_cents));
END $$;

-- DOOR. Sets money aside. One source holds once: asking again for the same returns the hold that is there.
CREATE FUNCTION ledger.place_hold(the_account bigint, code text, the_kind text, the_source text, amount bigint, actor text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account ledger.member_account := ledger._open_account_for_update(the_account);
    kept ledger.balance := ledger._balance_for_update(account, code);
    available bigint := kept.amount_cents * kept.natural_side - kept.held_cents - kept.floor_cents;
    placed ledger.hold;
BEGIN
    SELECT * INTO placed FROM ledger.hold WHERE kind = the_kind AND source = the_source;
    IF placed.id IS NOT NULL THEN
        IF (placed.member_account_id, placed.ledger_account_id, placed.amount_cents)
           IS DISTINCT FROM (kept.member_account_id, kept.ledger_account_id, amount) THEN
            PERFORM ledger._refuse('PL034', 'This source already holds something else',
                jsonb_build_object('kind', the_kind, 'source', the_source));
        END IF;
        RETURN placed.id;
    END IF;
    IF kept.floor_cents IS NULL THEN
        PERFORM ledger._refuse('PL002', 'Only an account with a floor can hold', jsonb_build_object('number', account.number, 'code', code));
    ELSIF amount > available THEN
        PERFORM ledger._refuse('PL026', 'The balance is too low', jsonb_build_object('number', account.number, 'code', code,
            'available_cents', available, 'asked_cents', amount));
    END IF;
    INSERT INTO ledger.hold (member_account_id, ledger_account_id, kind, source, amount_cents, placed_at, placed_by)
    VALUES (kept.member_account_id, kept.ledger_account_id, the_kind, the_source, amount, clock_timestamp(), actor)
    RETURNING * INTO placed;
    UPDATE ledger.balance b SET held_cents = b.held_cents + amount
     WHERE (b.member_account_id, b.ledger_account_id, b.branch_id) = (kept.member_account_id, kept.ledger_account_id, kept.branch_id);
    RETURN placed.id;
END $$;

-- DOOR. Lets go of what a source held. Returns whether it still held it.
CREATE FUNCTION ledger.release_hold(the_kind text, the_source text, actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    placed ledger.hold;
    account ledger.member_account;
BEGIN
    SELECT * INTO placed FROM ledger.hold WHERE kind = the_kind AND source = the_source;
    IF placed.id IS NULL THEN
        PERFORM ledger._refuse('PL035', 'Nothing is held for this', jsonb_build_object('kind', the_kind, 'source', the_source));
    END IF;
    account := ledger._open_account_for_update(placed.member_account_id);
    PERFORM FROM ledger.balance b WHERE (b.member_account_id, b.ledger_account_id, b.branch_id)
                                      = (account.id, placed.ledger_account_id, account.branch_id) FOR NO KEY UPDATE;
    UPDATE ledger.hold SET released_at = clock_timestamp(), released_by = actor WHERE id = placed.id AND released_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE ledger.balance b SET held_cents = b.held_cents - placed.amount_cents
     WHERE (b.member_account_id, b.ledger_account_id, b.branch_id) = (account.id, placed.ledger_account_id, account.branch_id);
    RETURN true;
END $$;

-- DOOR. A member who moves takes the balances along: one entry from the old branch to the new, then the account is there.
-- Returns the entry, or nothing if there was no money to move.
CREATE FUNCTION ledger.move_account(the_account bigint, to_branch integer, key text, cause_type text, cause_id text,
                                    actor_kind text, actor_id text, actor_channel text, on_behalf_of text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today date := ledger._enter();
    account ledger.member_account := ledger._open_account_for_update(the_account);
    leaving ledger.balance[];
    lines ledger._line[];
    moved bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.branch WHERE id = to_branch AND is_active) THEN
        PERFORM ledger._refuse('PL022', 'No such branch, or it is closed', jsonb_build_object('branch_id', to_branch));
    ELSIF account.branch_id = to_branch THEN
        RETURN NULL;
    END IF;
    INSERT INTO ledger.balance (member_account_id, ledger_account_id, branch_id, natural_side)
    SELECT member_account_id, ledger_account_id, to_branch, natural_side FROM ledger.balance
     WHERE member_account_id = account.id AND branch_id = account.branch_id ON CONFLICT DO NOTHING;
    PERFORM FROM ledger.balance WHERE member_account_id = account.id
      ORDER BY member_account_id, ledger_account_id, branch_id FOR NO KEY UPDATE;
    SELECT array_agg(b) INTO leaving FROM ledger.balance b WHERE member_account_id = account.id AND branch_id = account.branch_id;
    SELECT array_agg(ROW(l.ledger_account_id, side.branch_id, l.member_account_id, side.sign * l.amount_cents)::ledger._line) INTO lines
      FROM unnest(leaving) l, (VALUES (account.branch_id, -1), (to_branch, 1)) AS side (branch_id, sign)
     WHERE l.amount_cents <> 0;

    UPDATE ledger.balance SET held_cents = 0, floor_cents = NULL, is_open = false
     WHERE member_account_id = account.id AND branch_id = account.branch_id;
    IF lines IS NOT NULL THEN
        INSERT INTO ledger.entry (posted_at, booked_on, value_on, idempotency_key, cause_type, cause_id, description,
                                  actor_kind, actor_id, actor_channel, on_behalf_of)
        VALUES (clock_timestamp(), today, today, key, cause_type, cause_id, 'Account moved to another branch',
                actor_kind, actor_id, actor_channel, on_behalf_of)
        RETURNING id INTO moved;
        PERFORM ledger._write_lines(moved, today, today, ledger._balanced(lines));
    END IF;
    UPDATE ledger.balance b SET held_cents = l.held_cents, floor_cents = l.floor_cents, is_open = true FROM unnest(leaving) l
     WHERE b.member_account_id = account.id AND b.branch_id = to_branch AND b.ledger_account_id = l.ledger_account_id;
    UPDATE ledger.member_account SET branch_id = to_branch WHERE id = account.id;
    RETURN moved;
END $$;

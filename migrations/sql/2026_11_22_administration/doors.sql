-- Small doors for what an administrator changes about branches. A branch keeps its code for ever; its name may change.

-- DOOR
CREATE FUNCTION ledger.rename_branch(the_code text, new_name text, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was text;
BEGIN
    SELECT name INTO was FROM ledger.branch WHERE code = the_code FOR NO KEY UPDATE;
    IF was IS NULL THEN
        PERFORM ledger._refuse('PL022', 'No such branch', jsonb_build_object('code', the_code));
    ELSIF was = new_name THEN
        RETURN;
    END IF;
    UPDATE ledger.branch SET name = new_name WHERE code = the_code;
    PERFORM ledger._note('rename_branch', the_code, actor, jsonb_build_object('from', was, 'to', new_name));
END $$;

-- DOOR. A branch is closed when it keeps no open member account, and owns and owes nothing: what is left is income and
-- expense of the past, which belong to the society, and the inter-branch line that balances them. The head office stays.
CREATE FUNCTION ledger.close_branch(the_code text, actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    closing ledger.branch;
    open_accounts bigint;
    left_over text;
BEGIN
    PERFORM ledger._enter_alone();              -- whoever is posting there finishes first
    SELECT * INTO closing FROM ledger.branch WHERE code = the_code FOR NO KEY UPDATE;
    IF closing.id IS NULL OR NOT closing.is_active THEN
        PERFORM ledger._refuse('PL022', 'No such branch, or it is closed', jsonb_build_object('code', the_code));
    ELSIF the_code = 'HQ' THEN
        PERFORM ledger._refuse('PL036', 'The head office stays open', jsonb_build_object('code', the_code));
    END IF;
    SELECT count(*) INTO open_accounts FROM ledger.member_account WHERE branch_id = closing.id AND closed_on IS NULL;
    SELECT a.code INTO left_over
      FROM (SELECT ledger_account_id, debit_cents - credit_cents AS amount FROM ledger.daily_total WHERE branch_id = closing.id
            UNION ALL
            SELECT ledger_account_id, amount_cents FROM ledger.posting
             WHERE branch_id = closing.id
               AND booked_on > (SELECT coalesce(max(on_date), '-infinity'::date) FROM ledger.seal)) moved
      JOIN ledger.ledger_account a ON a.id = moved.ledger_account_id
     WHERE a.type IN ('asset', 'liability', 'equity') AND NOT a.is_inter_branch
     GROUP BY a.code HAVING sum(moved.amount) <> 0 ORDER BY a.code LIMIT 1;
    IF open_accounts > 0 THEN
        PERFORM ledger._refuse('PL037', 'Member accounts are open there',
            jsonb_build_object('name', closing.name, 'count', open_accounts));
    ELSIF left_over IS NOT NULL THEN
        PERFORM ledger._refuse('PL038', 'The branch still has a balance',
            jsonb_build_object('name', closing.name, 'account', left_over));
    END IF;
    UPDATE ledger.branch SET is_active = false WHERE id = closing.id;
    PERFORM ledger._note('close_branch', the_code, actor);
END $$;

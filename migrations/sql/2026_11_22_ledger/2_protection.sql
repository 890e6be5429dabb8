-- Nothing written is changed, and what names an account never changes its meaning: not even for the owner.

CREATE FUNCTION ledger._refuse_new_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What identifies a row of ledger.% does not change', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER keep_identity BEFORE UPDATE OF id, code ON ledger.branch
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_new_identity();
CREATE TRIGGER keep_identity BEFORE UPDATE OF id, code, type, natural_side, is_control, is_inter_branch ON ledger.ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_new_identity();
CREATE TRIGGER keep_identity BEFORE UPDATE OF id, number, kind, ledger_account_id, opened_on, opened_by ON ledger.member_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_new_identity();
CREATE TRIGGER keep_identity BEFORE UPDATE OF on_date, opened_at ON ledger.business_day
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_new_identity();
CREATE TRIGGER keep_identity BEFORE UPDATE OF month, opened_at ON ledger.period
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_new_identity();
CREATE TRIGGER keep_identity BEFORE UPDATE OF id, member_account_id, ledger_account_id, kind, source, amount_cents, placed_at, placed_by
    ON ledger.hold FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_new_identity();
CREATE TRIGGER keep_identity BEFORE UPDATE OF member_account_id, ledger_account_id, branch_id, natural_side ON ledger.balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_new_identity();

-- States only go forward: a sealed day, a closed month and a released hold stay so.
CREATE FUNCTION ledger._refuse_way_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What is closed in ledger.% stays closed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER stay_sealed BEFORE UPDATE ON ledger.business_day
    FOR EACH ROW WHEN (OLD.state = 'sealed' OR NEW.state = 'open' OR OLD.state = NEW.state)
    EXECUTE FUNCTION ledger._refuse_way_back();
CREATE TRIGGER stay_closed BEFORE UPDATE ON ledger.period
    FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION ledger._refuse_way_back();
CREATE TRIGGER stay_released BEFORE UPDATE ON ledger.hold
    FOR EACH ROW WHEN (OLD.released_at IS NOT NULL) EXECUTE FUNCTION ledger._refuse_way_back();
CREATE TRIGGER stay_closed BEFORE UPDATE ON ledger.member_account
    FOR EACH ROW WHEN (OLD.closed_on IS NOT NULL) EXECUTE FUNCTION ledger._refuse_way_back();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['entry', 'posting', 'daily_total', 'seal', 'entry_digest', 'act'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
            FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['branch', 'ledger_account', 'member_account', 'business_day', 'period', 'balance', 'hold'] LOOP
        EXECUTE format('CREATE TRIGGER keep_rows BEFORE DELETE OR TRUNCATE ON ledger.%I
            FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', name);
    END LOOP;
END $$;

"""M-PESA by Safaricom's Daraja: prompts on the phone, payments to the paybill, and the receipts of both."""

"""How a member is reached and recognised: the payment phone, proved by a code, and the PIN."""

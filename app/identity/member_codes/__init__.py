"""What a member proves himself with: a PIN that he knows, and codes that reach the phone in his hand.

``pins``      issue, verify, change and reset the PIN that USSD and the counter ask for
``one_time``  send a code to a phone and check it, bound to exactly what it was asked for

Every try is a row before it is looked at, so that neither is guessed faster by asking from many sides at once.
"""

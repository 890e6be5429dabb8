"""Documents of members: identity papers, photos, payslips; each checked by a second person, none lost quietly."""

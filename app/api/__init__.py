"""The JSON API: tokens instead of cookies, problem+json for whatever goes wrong, bodies read strictly."""

"""What gunicorn and the flask command load."""

from app import create_app
from config import settings_from_environment

app = create_app(settings_from_environment())

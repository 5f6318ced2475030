"""The project that Channels' tutorial ends with, on PostgreSQL."""

import os

import environ

SECRET_KEY = "of-the-benchmark"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "tests.bench.stock_channels.chat",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
]
ROOT_URLCONF = "tests.bench.stock_channels.routing"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"])}
CHANNEL_LAYERS = {
    # The cheaper one of channels_redis' two layers; the tutorial's own costs a fifth more.
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [os.environ["CHANNEL_LAYER_URL"]]},
    }
}

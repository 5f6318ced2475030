"""The site: settings, checks, logs, security headers, static files, languages, brokers."""

"""How a site is configured and served: settings, checks, logs, security headers, static files, languages, brokers."""

"""The inbox of each person and the announcements to all: the streams ``inbox.<user id>`` and ``announcements``."""

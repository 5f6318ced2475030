"""One table."""

from django.db import models


class Message(models.Model):
    """A message, saved as anyone would."""

    room = models.CharField(max_length=100)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "chat"

    def __str__(self) -> str:
        return f"message {self.pk}"

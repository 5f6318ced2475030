"""Gives the reports of earlier versions a case each message and decision, with the text as of now.

Reports of one message are one case if they are all open, or if one person closed them alike.
"""

BATCH = 500  # reports


def adopt(apps, schema_editor):
    report, case = (apps.get_model("chat", name) for name in ("Report", "Case"))
    while True:
        rows = list(
            report.objects.filter(case=None)
            .select_related("message__author")
            .order_by("pk")[:BATCH]
        )
        for row in rows:
            row.case = _case(case, apps, row)
            row.author_id = row.message.author_id
        report.objects.bulk_update(rows, ["case", "author"])
        if len(rows) < BATCH:
            return


def _case(case, apps, row):
    message = row.message
    found = case.objects.filter(
        message_id=message.pk, status=row.status, closed_by_id=row.closed_by_id
    ).first()
    return found or case.objects.create(
        message_id=message.pk,
        author_id=message.author_id,
        room_id=message.room_id,
        status=row.status,
        opened_at=row.created_at,
        closed_at=row.closed_at,
        closed_by_id=row.closed_by_id,
        body=_text(apps, message),
        author_name=_name(message.author),
        written_at=message.edited_at or message.created_at,
    )


def _text(apps, message):
    for name in ("RemovedText", "HeldText"):
        rows = apps.get_model("chat", name).objects.filter(message_id=message.pk)
        kept = rows.values_list("body", flat=True).first()
        if kept is not None:
            return kept
    return message.body


def _name(user):
    name = f"{user.first_name} {user.last_name}".strip()
    return f"{name} (@{user.username})" if name else f"@{user.username}"

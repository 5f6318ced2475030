"""Gives the cases of earlier versions their place in the queue, from their reports."""

BATCH = 200  # cases
SEVERITY = {"illegal": 4, "abuse": 3, "other": 2, "spam": 1}
SYSTEM_SEVERITY = 1


def fill(apps, schema_editor):
    cases = apps.get_model("chat", "Case").objects
    after = 0
    while rows := list(cases.filter(pk__gt=after).order_by("pk")[:BATCH]):
        after = rows[-1].pk
        by_case = {}
        reports = apps.get_model("chat", "Report").objects.filter(case__in=[row.pk for row in rows])
        names = ("case_id", "category", "reporter__username", "assigned_to_id")
        for case_id, *report in reports.order_by("pk").values_list(*names):
            by_case.setdefault(case_id, []).append(report)
        for row in rows:
            _fill_in(row, by_case.get(row.pk, []))
        cases.bulk_update(
            rows, ["category", "severity", "times", "weight", "urgency", "assigned_to"]
        )


def _fill_in(row, reports):
    for category, reporter, _holder in reports:
        severity = SYSTEM_SEVERITY if reporter == "holdfast" else SEVERITY.get(category, 1)
        if severity > row.severity:
            row.severity, row.category = severity, category
    row.times = row.weight = len(reports)
    row.urgency = row.severity << 52 | min(row.weight, 4095) << 40 | (1 << 40) - 1 - row.pk
    if reports and row.status == "open":
        row.assigned_to_id = reports[0][2]

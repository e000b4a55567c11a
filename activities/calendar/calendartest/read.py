"""Reads a calendar with python3-icalendar and writes what it understood, as JSON: a parser that is not ours."""
import json
import sys

import icalendar

calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
assert not calendar.errors, calendar.errors
zones = {str(z["TZID"]): z.to_tz() for z in calendar.walk("VTIMEZONE")}
events = calendar.walk("VEVENT")
assert len(events) == 1, len(events)
event = events[0]
assert not event.errors, event.errors


def moment(name):
    value = event[name]
    at = value.dt
    zone = value.params.get("TZID")
    if zone:
        assert zone in zones, zone
        rules, at = zones[zone], at.replace(tzinfo=None)
        at = rules.localize(at) if hasattr(rules, "localize") else at.replace(tzinfo=rules)
    return int(at.timestamp())


def address(value):
    return {"email": str(value), **{k.lower(): str(v) for k, v in value.params.items()}}


attendees = event.get("ATTENDEE", [])
if not isinstance(attendees, list):
    attendees = [attendees]
json.dump({
    "method": str(calendar.get("METHOD", "")),
    "uid": str(event["UID"]), "sequence": int(event["SEQUENCE"]),
    "start": moment("DTSTART"), "end": moment("DTEND"),
    "zone": event["DTSTART"].params.get("TZID", ""),
    "summary": str(event.get("SUMMARY", "")), "description": str(event.get("DESCRIPTION", "")),
    "location": str(event.get("LOCATION", "")), "url": str(event.get("URL", "")), "status": str(event["STATUS"]),
    "organizer": address(event["ORGANIZER"]), "attendees": [address(a) for a in attendees],
}, sys.stdout)

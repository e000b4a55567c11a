package calendartest

import "strings"

// event makes a VEVENT with the UID u.
func event(lines ...string) string { return named("u", lines...) }

func named(uid string, lines ...string) string {
	return "BEGIN:VEVENT\nUID:" + uid + "\nDTSTAMP:20261001T000000Z\nSUMMARY:Secret plans\n" + strings.Join(lines, "\n") + "\nEND:VEVENT"
}

// hour is an hour from 10:00 to 11:00 in Berlin on a day of November 2026.
func hour(day string) []string {
	return []string{"DTSTART;TZID=Europe/Berlin:202611" + day + "T100000", "DTEND;TZID=Europe/Berlin:202611" + day + "T110000"}
}

// with is an hour on Thursday the 5th, and more lines.
func with(lines ...string) string { return event(append(hour("05"), lines...)...) }

// Cases returns the table.
func Cases() []Case {
	return append(append(append(plain(), zones()...), recurring()...), exceptions()...)
}

func plain() []Case {
	thursday := []string{"u Thu 05 10:00-11:00"}
	return []Case{
		{Name: "an hour", Events: []string{with()}, Want: thursday},
		{Name: "in UTC", Events: []string{event("DTSTART:20261105T090000Z", "DTEND:20261105T100000Z")}, Want: thursday},
		{Name: "a duration", Events: []string{event("DTSTART:20261105T090000Z", "DURATION:PT1H")}, Want: thursday},
		{Name: "a duration of a day", Events: []string{event("DTSTART:20261105T090000Z", "DURATION:P1DT2H")}, Want: []string{"u Thu 05 10:00-Fri 06 12:00"}},
		{Name: "no end", Events: []string{event("DTSTART:20261105T090000Z")}},
		{Name: "an end before the beginning", Events: []string{event("DTSTART:20261105T090000Z", "DTEND:20261105T080000Z")}},
		{Name: "opaque", Events: []string{with("TRANSP:OPAQUE", "STATUS:CONFIRMED")}, Want: thursday},
		{Name: "transparent", Events: []string{with("TRANSP:TRANSPARENT")}},
		{Name: "cancelled", Events: []string{with("STATUS:CANCELLED")}},
		{Name: "tentative", Events: []string{with("STATUS:TENTATIVE")}, Want: []string{"u Thu 05 10:00-11:00 tentative"}},
		{Name: "free in Outlook", Events: []string{with("X-MICROSOFT-CDO-BUSYSTATUS:FREE")}},
		{Name: "tentative in Outlook", Events: []string{with("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE")}, Want: []string{"u Thu 05 10:00-11:00 tentative"}},
		{Name: "declined by the owner", Events: []string{with("ORGANIZER:mailto:bo@example.com", "ATTENDEE;PARTSTAT=DECLINED;CN=\"Lovelace, Ada\":MAILTO:Ada@Example.com")}},
		{Name: "declined by another", Events: []string{with("ORGANIZER:mailto:bo@example.com", "ATTENDEE;PARTSTAT=DECLINED:mailto:cy@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.com")}, Want: thursday},
		{Name: "perhaps by the owner", Events: []string{with("ORGANIZER:mailto:bo@example.com", "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@example.com")}, Want: []string{"u Thu 05 10:00-11:00 tentative"}},
		{Name: "not answered", Events: []string{with("ORGANIZER:mailto:bo@example.com", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ada@example.com")}, Want: thursday},
		{Name: "all day", Events: []string{event("DTSTART;VALUE=DATE:20261105", "DTEND;VALUE=DATE:20261107")}, Want: []string{"u Thu 05 00:00-Sat 07 00:00 all day"}},
		{Name: "all day without an end", Events: []string{event("DTSTART;VALUE=DATE:20261105")}, Want: []string{"u Thu 05 00:00-Fri 06 00:00 all day"}},
		{Name: "all day by a duration", Events: []string{event("DTSTART;VALUE=DATE:20261105", "DURATION:P2D")}, Want: []string{"u Thu 05 00:00-Sat 07 00:00 all day"}},
		{Name: "all day and transparent", Events: []string{event("DTSTART;VALUE=DATE:20261105", "TRANSP:TRANSPARENT")}},
		{Name: "over the edges", Events: []string{
			named("a", "DTSTART:20261101T100000Z", "DTEND:20261102T100000Z"), named("b", "DTSTART:20261115T220000Z", "DTEND:20261116T220000Z"),
		}, Want: []string{"a Sun 01 11:00-Mon 02 11:00", "b Sun 15 23:00-Mon 16 23:00"}},
		{Name: "right outside", Events: []string{
			named("a", "DTSTART:20261101T220000Z", "DTEND:20261101T230000Z"), named("b", "DTSTART:20261115T230000Z", "DTEND:20261116T000000Z"),
		}},
		{Name: "two at a time", Events: []string{with(), named("a", hour("05")...)}, Want: []string{"a Thu 05 10:00-11:00", "u Thu 05 10:00-11:00"}},
	}
}

const ownZone = `BEGIN:VTIMEZONE
TZID:Office time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
`

func zones() []Case {
	return []Case{
		{Name: "a foreign zone", Events: []string{event("DTSTART;TZID=America/New_York:20261105T100000", "DTEND;TZID=America/New_York:20261105T110000")}, Want: []string{"u Thu 05 16:00-17:00"}},
		{Name: "from one zone to another", Events: []string{event("DTSTART;TZID=Europe/London:20261105T100000", "DTEND;TZID=Europe/Berlin:20261105T130000")}, Want: []string{"u Thu 05 11:00-13:00"}},
		{Name: "a zone of Windows", Events: []string{event("DTSTART;TZID=\"W. Europe Standard Time\":20261105T100000", "DTEND;TZID=W. Europe Standard Time:20261105T110000")}, Want: []string{"u Thu 05 10:00-11:00"}},
		{Name: "a zone behind a prefix", Events: []string{event("DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Tokyo:20261105T100000", "DURATION:PT1H")}, Want: []string{"u Thu 05 02:00-03:00"}},
		{Name: "a zone by its own rules in winter", Events: []string{ownZone + event("DTSTART;TZID=Office time:20261105T100000", "DTEND;TZID=Office time:20261105T110000")}, Want: []string{"u Thu 05 10:00-11:00"}},
		{Name: "a zone by its own rules in summer", Events: []string{ownZone + event("DTSTART;TZID=Office time:20260707T100000", "DTEND;TZID=Office time:20260707T110000")}, From: "2026-07-01", To: "2026-08-01", Want: []string{"u Tue 07 10:00-11:00"}},
		{Name: "floating", Events: []string{event("DTSTART:20261105T100000", "DTEND:20261105T110000")}, Want: []string{"u Thu 05 10:00-11:00"}},
		{Name: "over the hour that comes twice", Events: []string{event("DTSTART;TZID=Europe/Berlin:20261025T013000", "DTEND;TZID=Europe/Berlin:20261025T033000")}, From: "2026-10-24", To: "2026-10-26", Want: []string{"u Sun 25 01:30-03:30"}},
		{Name: "in the hour that comes twice", Events: []string{event("DTSTART;TZID=Europe/Berlin:20261025T023000", "DURATION:PT1H")}, From: "2026-10-24", To: "2026-10-26", Want: []string{"u Sun 25 02:30-02:30"}},
		{Name: "in the hour that is skipped", Events: []string{event("DTSTART;TZID=Europe/Berlin:20270328T023000", "DURATION:PT1H")}, From: "2027-03-27", To: "2027-03-29", Want: []string{"u Sun 28 03:30-04:30"}},
	}
}

func recurring() []Case {
	daily := []string{"DTSTART;TZID=Europe/Berlin:20261023T090000", "DTEND;TZID=Europe/Berlin:20261023T093000"}
	weekly := []string{"DTSTART;TZID=America/New_York:20260105T100000", "DTEND;TZID=America/New_York:20260105T110000"}
	return []Case{
		{Name: "daily over a clock change", Events: []string{event(append(daily, "RRULE:FREQ=DAILY")...)}, From: "2026-10-24", To: "2026-10-27", Want: []string{"u Sat 24 09:00-09:30", "u Sun 25 09:00-09:30", "u Mon 26 09:00-09:30"}},
		{Name: "weekly far away, over their clock change", Events: []string{event(append(weekly, "RRULE:FREQ=WEEKLY")...)}, From: "2026-10-19", To: "2026-11-04", Want: []string{"u Mon 19 16:00-17:00", "u Mon 26 15:00-16:00", "u Mon 02 16:00-17:00"}},
		{Name: "weekly by its own zone", Events: []string{ownZone + event("DTSTART;TZID=Office time:20260105T100000", "DTEND;TZID=Office time:20260105T110000", "RRULE:FREQ=WEEKLY")}, From: "2026-10-19", To: "2026-11-04", Want: []string{"u Mon 19 10:00-11:00", "u Mon 26 10:00-11:00", "u Mon 02 10:00-11:00"}},
		{Name: "on weekdays", Events: []string{event(append(hour("02"), "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;INTERVAL=2")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Wed 04 10:00-11:00"}},
		{Name: "a count", Events: []string{event(append(hour("02"), "RRULE:FREQ=DAILY;COUNT=2")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Tue 03 10:00-11:00"}},
		{Name: "until a moment", Events: []string{event(append(hour("02"), "RRULE:FREQ=DAILY;UNTIL=20261103T090000Z")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Tue 03 10:00-11:00"}},
		{Name: "until a day", Events: []string{event(append(hour("02"), "RRULE:FREQ=DAILY;UNTIL=20261103")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Tue 03 10:00-11:00"}},
		{Name: "the last Friday", Events: []string{event("DTSTART:20260130T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR")}, From: "2026-11-01", To: "2026-12-01", Want: []string{"u Fri 27 10:00-11:00"}},
		{Name: "the last working day", Events: []string{event("DTSTART:20260130T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1")}, From: "2026-10-01", To: "2026-11-01", Want: []string{"u Fri 30 10:00-11:00"}},
		{Name: "a birthday", Events: []string{event("DTSTART;VALUE=DATE:19801105", "RRULE:FREQ=YEARLY")}, Want: []string{"u Thu 05 00:00-Fri 06 00:00 all day"}},
		{Name: "the 31st", Events: []string{event("DTSTART:20260131T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY")}, From: "2026-09-01", To: "2026-11-01", Want: []string{"u Sat 31 10:00-11:00"}},
		{Name: "long enough to be under way", Events: []string{event("DTSTART:20261025T090000Z", "DURATION:P10D", "RRULE:FREQ=MONTHLY")}, From: "2026-11-03", To: "2026-11-04", Want: []string{"u Sun 25 10:00-Wed 04 10:00"}},
		{Name: "listed dates", Events: []string{event(append(hour("02"), "RDATE;TZID=Europe/Berlin:20261104T120000,20261105T120000")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Wed 04 12:00-13:00", "u Thu 05 12:00-13:00"}},
	}
}

func exceptions() []Case {
	series := append(hour("02"), "RRULE:FREQ=DAILY;COUNT=4")
	moved := named("u", "RECURRENCE-ID;TZID=Europe/Berlin:20261103T100000", "DTSTART;TZID=Europe/Berlin:20261106T150000", "DTEND;TZID=Europe/Berlin:20261106T160000")
	return []Case{
		{Name: "left out", Events: []string{event(append(series, "EXDATE;TZID=Europe/Berlin:20261103T100000,20261104T100000")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Thu 05 10:00-11:00"}},
		{Name: "left out in UTC", Events: []string{event(append(series, "EXDATE:20261103T090000Z")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Wed 04 10:00-11:00", "u Thu 05 10:00-11:00"}},
		{Name: "left out on a day", Events: []string{event(append(series, "EXDATE;VALUE=DATE:20261103")...)}, Want: []string{"u Mon 02 10:00-11:00", "u Wed 04 10:00-11:00", "u Thu 05 10:00-11:00"}},
		{Name: "all day left out", Events: []string{event("DTSTART;VALUE=DATE:20261102", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE;VALUE=DATE:20261102")}, Want: []string{"u Tue 03 00:00-Wed 04 00:00 all day"}},
		{Name: "moved", Events: []string{event(series...) + "\n" + moved}, Want: []string{"u Mon 02 10:00-11:00", "u Wed 04 10:00-11:00", "u Thu 05 10:00-11:00", "u Fri 06 15:00-16:00"}},
		{Name: "one cancelled", Events: []string{event(series...) + "\n" + with("RECURRENCE-ID:20261105T090000Z", "STATUS:CANCELLED")}, Want: []string{"u Mon 02 10:00-11:00", "u Tue 03 10:00-11:00", "u Wed 04 10:00-11:00"}},
		{Name: "one declined", Events: []string{event(series...) + "\n" + with("RECURRENCE-ID:20261105T090000Z", "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.com")}, Want: []string{"u Mon 02 10:00-11:00", "u Tue 03 10:00-11:00", "u Wed 04 10:00-11:00"}},
		{Name: "declined but for one", Events: []string{
			event(append(series, "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.com")...) + "\n" + with("RECURRENCE-ID:20261105T090000Z", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.com"),
		}, Want: []string{"u Thu 05 10:00-11:00"}},
		{Name: "moved from one on", Events: []string{
			event(series...) + "\n" + named("u", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261104T100000", "DTSTART;TZID=Europe/Berlin:20261104T140000", "DURATION:PT2H"),
		}, Want: []string{"u Mon 02 10:00-11:00", "u Tue 03 10:00-11:00", "u Wed 04 14:00-16:00", "u Thu 05 14:00-16:00"}},
		{Name: "moved into sight", Events: []string{
			event("DTSTART:20260901T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY") + "\n" + with("RECURRENCE-ID:20261201T090000Z"),
		}, Want: []string{"u Thu 05 10:00-11:00"}},
	}
}

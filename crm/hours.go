package crm

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are the parts of each day of the week, by time.Weekday, in which somebody works. The parts of a day may be in any
// order; none means a day off.
type Hours [7][]DayPart

// DayPart is a part of a day on a clock on the wall, in minutes after local midnight: From is inside, To is not. 1440 is the
// end of the day. One that would cross midnight is two.
type DayPart struct {
	From int
	To   int
}

// dayEnd is the end of a day, in minutes after its midnight.
const dayEnd = 24 * 60

// IsZero tells whether no hours are given for any day.
func (h *Hours) IsZero() bool {
	return !slices.ContainsFunc(h[:], func(day []DayPart) bool { return len(day) > 0 })
}

// Hours are written as days and the parts of them, with a semicolon before the next days:
//
//	mon-thu 09:00-12:00,13:00-17:30; fri 09:00-12:00
//
// Days are mon, tue, wed, thu, fri, sat and sun, or their whole names; several are a range, which may go past the end of the
// week, or a list with commas. A day that is named again has the later parts only. 24:00 is the end of the day.

// ParseHours reads hours. An empty text is none. The error is one sentence for who wrote them.
func ParseHours(text string) (Hours, error) {
	var hours Hours
	for entry := range strings.SplitSeq(text, ";") {
		words := strings.FieldsFunc(entry, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\u00a0' })
		if len(words) == 0 {
			continue
		}
		days, parts, err := parseEntry(words)
		if err != nil {
			return Hours{}, err
		}
		for _, day := range days {
			hours[day] = parts
		}
	}
	return hours, nil
}

// parseEntry reads days and the parts that they have.
func parseEntry(words []string) (days []time.Weekday, parts []DayPart, err error) {
	for _, word := range words {
		if word[0] < '0' || word[0] > '9' {
			if len(parts) > 0 {
				return nil, nil, fmt.Errorf("%q comes after hours: put a semicolon before the next days", clipped(word))
			}
			span, err := parseDays(word)
			if err != nil {
				return nil, nil, err
			}
			days = append(days, span...)
			continue
		}
		part, err := parsePart(word)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part)
	}
	if len(days) == 0 {
		return nil, nil, fmt.Errorf("%q has no days: write mon-fri 09:00-17:30", clipped(words[0]))
	}
	if len(parts) == 0 {
		return nil, nil, fmt.Errorf("%q has no hours: write mon-fri 09:00-17:30", clipped(words[0]))
	}
	slices.SortFunc(parts, func(a, b DayPart) int { return a.From - b.From })
	for i := 1; i < len(parts); i++ {
		if parts[i].From < parts[i-1].To {
			return nil, nil, fmt.Errorf("%s and %s overlap", parts[i-1], parts[i])
		}
	}
	return days, parts, nil
}

func parseDays(word string) ([]time.Weekday, error) {
	first, last, isRange := strings.Cut(word, "-")
	if !isRange {
		last = first
	}
	from, okFrom := parseDay(first)
	to, okTo := parseDay(last)
	if !okFrom || !okTo {
		return nil, fmt.Errorf("%q is not a day such as mon, or days such as mon-fri", clipped(word))
	}
	days := []time.Weekday{from}
	for day := from; day != to; {
		day = (day + 1) % 7
		days = append(days, day)
	}
	return days, nil
}

// parseDay reads mon or Monday.
func parseDay(word string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(word, day.String()) || strings.EqualFold(word, dayName(day)) {
			return day, true
		}
	}
	return 0, false
}

func dayName(day time.Weekday) string { return strings.ToLower(day.String()[:3]) }

func parsePart(word string) (DayPart, error) {
	from, to, found := strings.Cut(word, "-")
	p := DayPart{From: parseClock(from), To: parseClock(to)}
	switch {
	case !found || p.From < 0 || p.To < 0:
		return DayPart{}, fmt.Errorf("%q are no hours such as 09:00-17:30", clipped(word))
	case p.From == p.To:
		return DayPart{}, fmt.Errorf("%q is no time at all", clipped(word))
	case p.From > p.To:
		return DayPart{}, fmt.Errorf("%q ends before it begins: what crosses midnight is two parts, on two days", clipped(word))
	}
	return p, nil
}

// parseClock reads 09:00 or 9:00 as minutes after midnight; -1 is none.
func parseClock(text string) int {
	at, err := time.Parse("15:04", text)
	if text == "24:00" {
		return dayEnd
	}
	if err != nil {
		return -1
	}
	return 60*at.Hour() + at.Minute()
}

// clipped is a piece of a text that somebody else wrote, short enough for a sentence.
func clipped(text string) string {
	const most = 30
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// String writes a part as 09:00-17:30.
func (p DayPart) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", p.From/60, p.From%60, p.To/60, p.To%60)
}

// String writes hours as ParseHours reads them, from Monday on, days that follow each other and have the same parts as one range.
func (h *Hours) String() string {
	var entries []string
	for i := 0; i < 7; {
		first, last := weekFromMonday(i), i
		text := joinParts(h[first])
		for last < 6 && joinParts(h[weekFromMonday(last+1)]) == text {
			last++
		}
		if text != "" {
			days := dayName(first)
			if last > i {
				days += "-" + dayName(weekFromMonday(last))
			}
			entries = append(entries, days+" "+text)
		}
		i = last + 1
	}
	return strings.Join(entries, "; ")
}

func weekFromMonday(i int) time.Weekday { return time.Weekday((i + 1) % 7) }

func joinParts(parts []DayPart) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = p.String()
	}
	return strings.Join(words, ",")
}

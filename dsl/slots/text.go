package slots

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// shown is how moments are written in a report.
const shown = "Mon 2 Jan 15:04"

// Text says in sentences, a line each, how many times there are and what stands against the others, for whoever looks after the
// loop. Times are in the workspace's zone. It names interviewers, and says nothing of what is in their calendars.
func (r *Report) Text() string {
	lines := append([]string{r.headline()}, r.general()...)
	if r.Asked > 0 {
		for i := range r.Seats {
			lines = append(lines, r.seat(i))
		}
		lines = append(lines, r.together()...)
	}
	for _, p := range r.People {
		if r.Asked > 0 {
			lines = append(lines, r.person(p))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func (r *Report) headline() string {
	between := fmt.Sprintf("between %s and %s (%s)", r.moment(r.Looked.Start), r.moment(r.Looked.End), r.search.Zone)
	switch r.Fit {
	case 0:
		return fmt.Sprintf("There is no time for %s %s.", length(r.search.Length), between)
	case 1:
		return fmt.Sprintf("There is one time for %s %s.", length(r.search.Length), between)
	}
	return fmt.Sprintf("There are %d times for %s %s.", r.Fit, length(r.search.Length), between)
}

// general says which starts are none for anybody.
func (r *Report) general() []string {
	line := "Looked at " + starts(r.Starts)
	var parts []string
	add := func(why Reason, text string) {
		if n := r.All[why]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, text))
		}
	}
	add(Notice, "too soon: nothing before "+r.moment(r.search.NotBefore))
	if zone := r.search.Candidate.Zone; zone != nil {
		add(CandidateHours, fmt.Sprintf("before 07:00 or after 22:00 for the candidate (%s)", zone))
	}
	add(CandidateBusy, "when the candidate cannot")
	add(OutsideHours, "outside everybody's hours")
	if len(parts) > 0 {
		line += ": " + strings.Join(parts, ", ")
	}
	return []string{fmt.Sprintf("%s. That leaves %d.", line, r.Asked)}
}

// seat says how often a seat could be filled.
func (r *Report) seat(i int) string {
	s, asked := r.Seats[i], r.search.Seats[i]
	needed, never := fmt.Sprintf("Of %s %s needed", asked.Group, be(s.Need)), "nobody is ever free"
	switch {
	case asked.Group == "" && asked.Person == "":
		return "A place is for one person, who is not known."
	case asked.Group == "" && s.Have == 0:
		return r.name(asked.Person) + " is needed, and cannot be asked."
	case asked.Group == "":
		needed, never = r.name(asked.Person)+" is needed", "is never free"
	case s.Have == 0:
		return fmt.Sprintf("Nobody of %s can be asked.", asked.Group)
	case s.Have < s.Need:
		return fmt.Sprintf("%s, and only %d can be asked.", needed, s.Have)
	case asked.Any == 0:
		needed, never = fmt.Sprintf("Of %s everybody is needed", asked.Group), "they are never all free"
	case s.Need > 1:
		never = "so many are never free"
	}
	switch s.Empty {
	case 0:
		return needed + ", which is possible at all of them."
	case r.Asked:
		if r.search.Buffer > 0 {
			never += fmt.Sprintf(" with %s before and after", length(r.search.Buffer))
		}
		return fmt.Sprintf("%s, and %s.", needed, never)
	}
	return fmt.Sprintf("%s, which is possible at %d of them.", needed, r.Asked-s.Empty)
}

// together says when the seats can be filled, but not beside each other.
func (r *Report) together() []string {
	var lines []string
	if r.Crossed > 0 {
		lines = append(lines, fmt.Sprintf("At %d the same people would fill two places.", r.Crossed))
	}
	never := func(s SeatReport) bool { return s.Empty == r.Asked }
	if r.Fit == 0 && r.Crossed == 0 && len(r.Seats) > 1 && !slices.ContainsFunc(r.Seats, never) {
		lines = append(lines, "Each place can be filled at some time, but never all at once.")
	}
	return lines
}

// person says what keeps somebody.
func (r *Report) person(p PersonReport) string {
	line := fmt.Sprintf("- %s: %s in their hours", r.name(p.ID), starts(p.InHours))
	if group := r.search.Seats[p.Seat].Group; group != "" {
		line = fmt.Sprintf("- %s (%s): %s in their hours", r.name(p.ID), group, starts(p.InHours))
	}
	var parts []string
	free := p.InHours
	for why := Holiday; why <= Gap; why++ {
		n := p.Refused[why]
		if free -= n; n == 0 {
			continue
		}
		text := map[Reason]string{
			Holiday: "on a holiday", TimeOff: "away", DailyLimit: "at their daily limit", WeeklyLimit: "at their weekly limit", Busy: "busy",
			Gap: "too close to another interview",
		}[why]
		if why == TimeOff && !p.AwayUntil.IsZero() {
			text += " until " + r.moment(p.AwayUntil)
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, text))
	}
	if p.InHours > 0 {
		parts = append(parts, fmt.Sprintf("%d free", free))
		line += ": " + strings.Join(parts, ", ")
	}
	return line + "."
}

func (r *Report) name(id string) string {
	for _, p := range r.search.People {
		if p.ID == id && p.Name != "" {
			return p.Name
		}
	}
	return id
}

func (r *Report) moment(t time.Time) string { return t.In(r.search.Zone).Format(shown) }

func starts(n int) string {
	if n == 1 {
		return "1 start"
	}
	return fmt.Sprintf("%d starts", n)
}

func be(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// length writes a duration as definitions do.
func length(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(s, "h0m") {
		return strings.TrimSuffix(s, "0m")
	}
	return s
}

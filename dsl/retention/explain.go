package retention

import (
	"fmt"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// dateText is how moments are written: for people, by the clocks of a policy's zone.
const dateText = "2 January 2006, 15:04"

// Explain says the verdict in plain sentences: what holds, what comes next, what each policy says that applies, and which do not. They
// hold names of policies, dates and expressions, and no personal data but the reasons of legal holds.
func (v *Verdict) Explain() []string {
	lines := []string{v.standing()}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch {
	case !v.NoticeAt.IsZero() && v.State == Kept:
		add("The candidate is told on %s; if nothing changes, the data are %s on %s.", v.on(v.NoticeAt), v.taken(), v.on(v.DueAt))
	case v.State == Kept:
		add("If nothing changes, they are %s on %s.", v.taken(), v.on(v.DueAt))
	case v.State == Notify:
		add("If nothing changes, the data are %s on %s.", v.taken(), v.on(v.DueAt))
	}
	if v.Conflict {
		add("Two policies contradict each other: %s keeps the data until %s at least, %s until %s at most. The minimum wins; somebody should look at whether both apply.",
			v.Keeper, v.on(v.until(v.Keeper)), v.Policy, v.on(v.until(v.Policy)))
	}
	var others []string
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Applies || r.Problem != "" {
			lines = append(lines, r.Explain())
		} else {
			others = append(others, r.Policy)
		}
	}
	if len(others) > 0 {
		add("What does not apply: %s.", strings.Join(others, ", "))
	}
	return lines
}

// standing is where the data stand, and why.
func (v *Verdict) standing() string {
	switch v.State {
	case Free:
		if v.Keeper != "" {
			return fmt.Sprintf("No policy takes these data; %s keeps them until %s at least.", v.Keeper, v.on(v.Until))
		}
		return "No policy takes these data."
	case Held:
		text := "A legal hold stops everything: " + strings.Join(v.Holds, "; ") + "."
		if !v.NextAt.IsZero() {
			return text + " It ends on " + v.on(v.NextAt) + "."
		}
		return text + " It lasts until somebody lifts it."
	case Unclear:
		return fmt.Sprintf("Nothing is taken, as it cannot be said until when: %s applies, and what it counts from is not known.", v.unclear)
	case Busy:
		if v.Reason == crm.KeptInterview {
			return "Nothing is taken while an interview is running."
		}
		return "Nothing is taken while an application is open."
	case Restricted:
		return "The candidate asked that these data be kept and not used (GDPR Art. 18): no policy tells or takes them before that is lifted."
	case Kept:
		return fmt.Sprintf("The data are kept until %s, by %s.", v.on(v.Until), v.decider())
	case Notify:
		return fmt.Sprintf("The candidate has to be told now that %s takes their data: they were to be kept until %s.", v.Policy, v.on(v.Until))
	case Noticed:
		return v.told()
	case Due:
		return fmt.Sprintf("The data are to be %s now, by %s: they were to be kept until %s.%s", v.taken(), v.Policy, v.on(v.Until), v.aside())
	}
	return ""
}

// told says how far the notice has come.
func (v *Verdict) told() string {
	switch crm.NoticeState(v.Notice.State) {
	case crm.NoticePlanned:
		return fmt.Sprintf("A notice is on its way; nothing is %s before it is known what became of it.", v.taken())
	case crm.NoticeUnreachable:
		return fmt.Sprintf("The candidate could not be told on %s, as no message reaches them; the data are %s on %s.", v.on(v.Notice.At), v.taken(), v.on(v.DueAt))
	case crm.NoticeBounced, crm.NoticeSent:
	}
	return fmt.Sprintf("The candidate was told on %s; if they say nothing, the data are %s on %s.%s", v.on(v.Notice.At), v.taken(), v.on(v.DueAt), v.aside())
}

// aside is what is to be known of a notice that did not arrive.
func (v *Verdict) aside() string {
	switch {
	case v.Notice == nil:
		return ""
	case v.Notice.State == string(crm.NoticeBounced):
		return " The notice came back; it counts as sent."
	case v.Notice.State == string(crm.NoticeUnreachable):
		return " No notice could be sent, as no message reaches the candidate; the time ran from the attempt."
	}
	return ""
}

// decider is the policy that the date is of.
func (v *Verdict) decider() string {
	if v.Conflict {
		return v.Keeper
	}
	return v.Policy
}

func (v *Verdict) until(name string) time.Time {
	for i := range v.Rules {
		if v.Rules[i].Policy == name {
			return v.Rules[i].Until
		}
	}
	return time.Time{}
}

// taken is what the policy does, as something that is done.
func (v *Verdict) taken() string {
	if v.Then == crm.RetentionErase {
		return "erased"
	}
	return "anonymized"
}

func (v *Verdict) on(t time.Time) string {
	return t.In(v.zone).Format(dateText) + " (" + v.zone.String() + ")"
}

// Explain says what the policy says, in a sentence or two.
func (r *Rule) Explain() string {
	switch {
	case r.Problem != "" && !r.Applies:
		return fmt.Sprintf("%s does not apply, as %s cannot be evaluated: %s.", r.Policy, r.Applying, r.Problem)
	case !r.Applies:
		return fmt.Sprintf("%s does not apply: %s is false.", r.Policy, r.Applying)
	}
	most := "at most"
	if r.Minimum {
		most = "at least"
	}
	if r.Problem != "" {
		return fmt.Sprintf("%s: %s %s after %s, which has no value: %s. Basis: %s.", r.Policy, most, r.Keep, r.AfterIs, r.Problem, r.Basis)
	}
	zone, err := wallclock.Zone(r.ZoneName)
	if err != nil {
		zone = time.UTC
	}
	on := func(t time.Time) string { return t.In(zone).Format(dateText) }
	text := fmt.Sprintf("%s: %s %s after %s, which was %s", r.Policy, most, r.Keep, r.AfterIs, on(r.After))
	if !r.Extended.IsZero() {
		text += fmt.Sprintf("; the candidate said yes on %s, which keeps the data %s longer from then", on(r.Extended), r.Extend)
	}
	return fmt.Sprintf("%s: until %s (%s). Basis: %s.", text, on(r.Until), zone, r.Basis)
}

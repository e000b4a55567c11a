package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/retention"
)

// exportKeeping is how long the data are kept, by which rule and why. What legal holds are for is not told (GDPR Art. 15(4)).
type exportKeeping struct {
	State    retention.State `json:"state"`
	Reason   string          `json:"reason,omitempty"`
	Policy   string          `json:"policy,omitempty"`   // that takes the data
	Keeper   string          `json:"keeper,omitempty"`   // the minimum that keeps them longest
	Until    time.Time       `json:"until,omitzero"`     // until when they are kept
	NoticeAt time.Time       `json:"notice_at,omitzero"` // when the candidate is told
	DueAt    time.Time       `json:"due_at,omitzero"`    // when they go
	Then     string          `json:"then,omitempty"`
	Text     []string        `json:"text"`
	Rules    []exportRule    `json:"rules"`
}

// exportRule is a policy that applies.
type exportRule struct {
	Policy  string    `json:"policy"`
	Basis   string    `json:"basis,omitempty"`
	Minimum bool      `json:"minimum,omitempty"`
	Keep    string    `json:"keep"`
	From    string    `json:"counts_from"`
	Until   time.Time `json:"until,omitzero"`
	Text    string    `json:"text"`
}

func (x *exporting) keeping() exportKeeping {
	v := x.verdict
	k := exportKeeping{
		State: v.State, Reason: v.Reason, Policy: v.Policy, Keeper: v.Keeper, Until: v.Until, NoticeAt: v.NoticeAt, DueAt: v.DueAt, Then: v.Then,
		Text: x.keepingText(), Rules: []exportRule{},
	}
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Applies {
			k.Rules = append(k.Rules, exportRule{Policy: r.Policy, Basis: r.Basis, Minimum: r.Minimum, Keep: r.Keep, From: r.AfterIs, Until: r.Until, Text: x.ruleText(r)})
		}
	}
	return k
}

// keepingText says the verdict in the candidate's language.
func (x *exporting) keepingText() []string {
	v := x.verdict
	lines := []string{x.standing()}
	add := func(words string, at time.Time) {
		if !at.IsZero() {
			lines = append(lines, x.words.Say(words, "Date", x.date(at)))
		}
	}
	minimum := v.Minimum()
	switch {
	case minimum != nil && minimum.Until.IsZero():
		lines = append(lines, x.words.Say("keep_least_open"))
	case minimum != nil && !minimum.Until.Equal(v.Until): // else that is what was said
		add("keep_least", minimum.Until)
	}
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Policy == v.Policy {
			add("keep_extended", r.Extended)
		}
	}
	if v.State != retention.Held && v.State != retention.Busy && v.State != retention.Restricted {
		if v.Notice != nil && v.Notice.State != string(crm.NoticePlanned) && v.Notice.State != string(crm.NoticeUnreachable) {
			add("keep_told", v.Notice.At)
		} else {
			add("keep_notice", v.NoticeAt)
		}
		if v.Then == crm.RetentionErase {
			add("keep_erase", v.DueAt)
		} else if v.Then != "" {
			add("keep_anonymize", v.DueAt)
		}
	}
	if x.request.Stands() {
		lines = append(lines, x.words.Say("keep_asked"))
	}
	return lines
}

// standing is where the data stand.
func (x *exporting) standing() string {
	v := x.verdict
	switch v.State {
	case retention.Held:
		return x.words.Say("keep_held")
	case retention.Unclear:
		return x.words.Say("keep_unclear")
	case retention.Busy:
		if v.Reason == crm.KeptInterview {
			return x.words.Say("keep_interview")
		}
		return x.words.Say("keep_application")
	case retention.Restricted:
		return x.words.Say("keep_restricted")
	case retention.Free:
		return x.words.Say("keep_free")
	case retention.Due, retention.Kept, retention.Notify, retention.Noticed:
	}
	if m := v.Minimum(); m != nil && m.Until.Equal(v.Until) {
		return x.words.Say("keep_least", "Date", x.date(v.Until))
	}
	if v.Until.After(x.now) {
		return x.words.Say("keep_until", "Date", x.date(v.Until))
	}
	return x.words.Say("keep_passed")
}

// ruleText says what one policy says.
func (x *exporting) ruleText(r *retention.Rule) string {
	most := "keep_most"
	if r.Minimum {
		most = "keep_min"
	}
	parts := []string{x.words.Say(most, "Time", x.span(r.Keep)), x.words.Say("keep_from", "What", x.origin(r.AfterIs))}
	if !r.Until.IsZero() {
		parts = append(parts, x.words.Say("keep_to", "Date", x.date(r.Until)))
	}
	if r.Basis != "" {
		parts = append(parts, x.words.Say("keep_basis", "Basis", r.Basis))
	}
	return strings.Join(parts, "; ")
}

// origin is what a policy counts from, in words where there are some.
func (x *exporting) origin(expression string) string {
	key := "keep_after_" + strings.TrimPrefix(expression, "candidate.")
	if said := x.words.Say(key); said != key {
		return said
	}
	return expression
}

// span is a duration of the language in words: 6mo is six months.
func (x *exporting) span(text string) string {
	unit := strings.TrimLeft(text, "0123456789")
	n, err := strconv.Atoi(strings.TrimSuffix(text, unit))
	key := "unit_" + unit + "_many"
	switch {
	case err != nil || x.words.Say(key) == key:
		return text
	case n == 1:
		return x.words.Say("unit_" + unit + "_one")
	}
	return x.words.Say(key, "N", n)
}

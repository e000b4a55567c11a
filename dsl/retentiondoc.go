package dsl

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

var sharePattern = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,2})?%$`)

// Retention is a policy of how long the data of some candidates are kept: at most (For) or at least (AtLeast).
type Retention struct {
	Name        string
	Hash        string
	Description string
	Basis       string // what it follows, in words
	At          int    // minutes after midnight, every day
	Zone        string // IANA name
	AppliesTo   *Condition
	For         Duration   // one of For and AtLeast is set
	AtLeast     Duration   //
	After       *Condition // the moment that it counts from
	Notice      *Notice    // nil: nobody is told
	Then        string     // crm.RetentionAnonymize or RetentionErase; "" with AtLeast
	MaxShare    float64    // of those it applies to, from 0 to 1; 0: any
}

// Notice tells candidates before their data go.
type Notice struct {
	Before Duration
	Email  string   // a message
	Extend Duration // how much longer, from an event of On; zero: it cannot be asked for
	On     []string // event types
}

// retention reads a retention document.
func (r *docReader) retention() *Retention {
	m := r.mapping(r.src.root, placeRetention)
	if m == nil {
		return nil
	}
	p := &Retention{Name: r.name(m.get("retention")), Hash: hash(r.src.root)}
	if n := m.get("description"); n != nil {
		p.Description, _ = r.text(n, "description")
	}
	if n := m.get("basis"); n != nil {
		p.Basis, _ = r.text(n, "basis")
	}
	if n := m.get("daily"); n != nil {
		r.daily(n, p)
	}
	if n := m.get("applies_to"); n != nil {
		p.AppliesTo = r.condition(n, &scope{})
	}
	if n := m.get("then"); n != nil {
		p.Then = r.choice(n, placeRetention, "then")
	}
	if n := m.get("keep"); n != nil {
		r.keep(n, m, p)
	}
	if n := m.get("notice"); n != nil {
		p.Notice = r.notice(n, p)
	}
	if n := m.get("guard"); n != nil {
		p.MaxShare = r.guard(n)
	}
	return p
}

func (r *docReader) daily(n *yaml.Node, p *Retention) {
	m := r.mapping(n, placeDaily)
	if m == nil || m.incomplete {
		return
	}
	if t, ok := r.text(m.get("at"), "at"); ok {
		if p.At, ok = parseClock(t); !ok || p.At == minutesPerDay {
			r.add(m.get("at"), codeHours, fmt.Sprintf("%q is not a time of day.", clip(t)), `Write it as "03:00".`)
		}
	}
	p.Zone, _ = r.text(m.get("zone"), "zone")
	if _, err := wallclock.Zone(p.Zone); err != nil && p.Zone != "" {
		r.add(m.get("zone"), codeZone, fmt.Sprintf("There is no time zone %q.", clip(p.Zone)), "Use an IANA name such as Europe/Berlin.")
	}
}

// keep reads how long the data are kept, and what goes with that: a policy that only says how long at least takes no data.
func (r *docReader) keep(n *yaml.Node, policy *mapping, p *Retention) {
	m := r.mapping(n, placeKeep)
	if m == nil {
		return
	}
	most, least := m.get("for"), m.get("at_least")
	switch {
	case most != nil && least != nil:
		r.add(m.keys["at_least"], codeConflict, "A policy says how long at most, or how long at least.", "Make two policies of it.")
	case most != nil:
		p.For = r.duration(most, "for")
		if policy.get("then") == nil {
			r.add(policy.node, codeMissingKey, `A policy that ends needs the key "then".`, "Write `then: anonymize` or `then: erase`.")
		}
	case least != nil:
		p.AtLeast = r.duration(least, "at_least")
		for _, key := range []string{"then", "notice", "guard"} {
			if policy.get(key) != nil {
				r.add(policy.keys[key], codeConflict, key+" goes with `keep: {for: ..}`: a policy of `at_least` takes no data.", "Take it out.")
			}
		}
	case len(m.values) == len(n.Content)/2:
		r.add(n, codeMissingKey, `keep needs the key "for" or "at_least".`, "")
	}
	if after := m.get("after"); after != nil {
		p.After = r.timing(after, &scope{})
	}
}

// notice reads how candidates are told. Its message is one about them and their data, so it needs no purpose.
func (r *docReader) notice(n *yaml.Node, p *Retention) *Notice {
	m := r.mapping(n, placeNotice)
	if m == nil {
		return nil
	}
	x := &Notice{}
	if b := m.get("before"); b != nil {
		x.Before = r.duration(b, "before")
		if notShorter(x.Before, p.For) {
			r.add(b, codeDuration, fmt.Sprintf("The notice would go out before the time began: %s is not less than %s.", x.Before, p.For), "Make before shorter than for.")
		}
	}
	if e := m.get("email"); e != nil {
		q := &sequenceReader{docReader: r, p: &Program{Purpose: crm.PurposeTransactional}, placed: []string{"retention.due"}}
		q.sender(e, crm.Email)
		x.Email = q.use(e, crm.Email)
	}
	if e := m.get("extend"); e != nil {
		x.Extend = r.duration(e, "extend")
	}
	for _, t := range r.optionalList(m.get("on"), "on") {
		if name, ok := r.eventType(t); ok {
			if crm.Broadcast(name) {
				r.add(t, codeConflict, name+" has no candidate of its own.", "Name an event by which a candidate says yes, such as consent.granted.")
			}
			x.On = append(x.On, name)
		}
	}
	for key, other := range map[string]string{"extend": "on", "on": "extend"} {
		if m.get(key) != nil && m.get(other) == nil {
			r.add(m.keys[key], codeMissingKey, fmt.Sprintf("%s needs the key %q beside it.", key, other), "Say what a candidate does to stay, and for how long that holds.")
		}
	}
	return x
}

// guard reads the largest share that one run may take.
func (r *docReader) guard(n *yaml.Node) float64 {
	m := r.mapping(n, placeGuard)
	if m == nil || m.incomplete {
		return 0
	}
	t, ok := r.text(m.get("max_share"), "max_share")
	if !ok {
		return 0
	}
	share, err := strconv.ParseFloat(strings.TrimSuffix(t, "%"), 64)
	if err != nil || !sharePattern.MatchString(t) || share <= 0 || share > 100 {
		r.add(m.get("max_share"), codeNumber, fmt.Sprintf("max_share is a share such as 5%%, not %q.", clip(t)), "")
		return 0
	}
	return share / 100
}

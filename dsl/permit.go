package dsl

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phone"
)

// Reasons why a message is not sent, or not yet.
const (
	ReasonCondition  = "condition"
	ReasonNoAddress  = "no_address"
	ReasonNotMobile  = "not_a_mobile" // a text to a landline, or to what is no telephone number
	ReasonSuppressed = "suppressed"
	ReasonNoConsent  = "no_consent"
	ReasonNoPurpose  = "unknown_purpose" // the workspace no longer declares it
	ReasonTooLate    = "too_late"
	ReasonMoot       = "moot"    // of interviews: the time has changed, or was agreed, before the message went
	ReasonAllHad     = "all_had" // the candidate has had every message of a list
	ReasonCap        = "cap"
	ReasonQuiet      = "quiet_hours"
	ReasonWindow     = "window"
	ReasonInactive   = "inactive" // an interviewer who gets no interviews any more
	ReasonPaused     = crm.ReasonPaused
	ReasonRestricted = "restricted" // the candidate's data is kept and not used (GDPR Art. 18)
	ReasonUnopened   = "window_never_opens"
)

// Intent is a message that is about to be sent, as far as the rules of sending care.
type Intent struct {
	Channel crm.Channel
	Purpose string
	Window  *Calendar // of the step or the sequence; nil: the workspace's, and none for transactional mail
	Limit   *Limit    // of the sequence
	Request bool      // it is about a request of the candidate
	Planned bool      // it has its place under the caps already
	Seed    string    // spreads a deferred send; the same seed gives the same time
}

// Verdict is what the rules say of an intent at one moment: it may go (the zero Verdict), it must not (Skip), or not before
// NotBefore.
type Verdict struct {
	Skip      string // a reason
	NotBefore time.Time
	Reason    string // of NotBefore
}

// OK tells whether the message may go now.
func (v Verdict) OK() bool { return v.Skip == "" && v.NotBefore.IsZero() }

// maxJitter bounds how far a deferred send is spread after the moment it becomes possible, so that nine o'clock is not a
// stampede.
const maxJitter = 30 * time.Minute

// Permit applies the rules of sending: address, suppression, consent, then the candidate's own pause, caps, quiet hours and window. A decision asks it
// when it plans a message and the sender asks it again right before the provider is called, both under the candidate's lock.
func Permit(ws *Workspace, f *crm.Facts, in Intent, now time.Time) Verdict {
	if skip := refusal(ws, f, in, now); skip != "" {
		return Verdict{Skip: skip}
	}
	p := pacer{ws: ws, f: f, in: in, loc: ZoneOf(&f.Candidate, ws), transactional: in.Purpose == crm.PurposeTransactional}
	p.quiet = p.quietHours(now)
	at, reason := p.earliest(now)
	switch {
	case reason == ReasonUnopened:
		return Verdict{Skip: ReasonUnopened}
	case !at.After(now):
		return Verdict{}
	}
	return Verdict{NotBefore: at.Add(p.jitter(at)), Reason: reason}
}

// Clearance is what the last check before a send says of a planned message.
type Clearance struct {
	State     crm.MessageState // claimed: it goes now; skipped or expired: never; planned: not before NotBefore
	Reason    string
	NotBefore time.Time
	NotAfter  time.Time // of a planned one: how long it stays good; zero: as long as it was
}

// LastCheck applies the rules of sending to a planned message once more, under the candidate's lock: what was decided an hour
// ago may be wrong by now.
func LastCheck(ws *Workspace, f *crm.Facts, in Intent, m *crm.Message, now time.Time) Clearance {
	if now.After(m.NotAfter) {
		return Clearance{State: crm.MessageExpired, Reason: ReasonTooLate}
	}
	if overtaken(f, m, now) {
		return Clearance{State: crm.MessageSkipped, Reason: ReasonMoot}
	}
	if m.Recipient != "" {
		if skip := unreachable(f.Recipient, m); skip != "" {
			return Clearance{State: crm.MessageSkipped, Reason: skip}
		}
		return Clearance{State: crm.MessageClaimed}
	}
	in.Planned = true
	v := Permit(ws, f, in, now)
	switch {
	case v.Skip != "":
		return Clearance{State: crm.MessageSkipped, Reason: v.Skip}
	case v.Reason == ReasonPaused && v.Skip == "": // it is the candidate who has it wait, so it stays good as long
		return Clearance{State: crm.MessagePlanned, Reason: v.Reason, NotBefore: v.NotBefore, NotAfter: v.NotBefore.Add(m.NotAfter.Sub(m.PlannedAt))}
	case v.NotBefore.After(m.NotAfter):
		return Clearance{State: crm.MessageExpired, Reason: v.Reason}
	case !v.NotBefore.IsZero():
		return Clearance{State: crm.MessagePlanned, Reason: v.Reason, NotBefore: v.NotBefore}
	}
	return Clearance{State: crm.MessageClaimed}
}

// textable tells whether texts can reach the candidate's number: not a landline, nor what an import kept though it is no number.
func textable(c *crm.Candidate) bool {
	number, err := phone.Parse(c.Phone, c.Country)
	return err == nil && !number.Landline()
}

// refusal says why the message must not be sent at all, or "".
func refusal(ws *Workspace, f *crm.Facts, in Intent, now time.Time) string {
	if f.Candidate.Address(in.Channel) == "" {
		return ReasonNoAddress
	}
	if in.Channel == crm.SMS && !textable(&f.Candidate) {
		return ReasonNotMobile
	}
	if !f.Candidate.RestrictedAt.IsZero() && !in.Request {
		return ReasonRestricted
	}
	transactional := in.Purpose == crm.PurposeTransactional
	for _, s := range f.Suppressions {
		if s.Blocks(in.Channel, transactional) {
			return ReasonSuppressed
		}
	}
	if transactional {
		return ""
	}
	purpose, ok := ws.Purposes[in.Purpose]
	if !ok {
		return ReasonNoPurpose
	}
	if !purpose.allows(f, in.Purpose, in.Channel, now, ws) {
		return ReasonNoConsent
	}
	return ""
}

// allows tells whether the purpose may be used on a channel: by consent where consent is the basis; by legitimate interest
// until the candidate objects (GDPR Art. 21(2)) or it expires.
func (p Purpose) allows(f *crm.Facts, name string, ch crm.Channel, now time.Time, ws *Workspace) bool {
	switch crm.ConsentFor(f.Consents, name, ch) {
	case crm.ConsentGranted:
		return true
	case crm.ConsentRevoked, crm.ConsentPending:
		return false
	case crm.ConsentNone:
	}
	if p.Basis != crm.BasisLegitimateInterest {
		return false
	}
	return p.Expires.IsZero() || now.Before(p.Expires.Add(f.Candidate.CreatedAt, ZoneOf(&f.Candidate, ws), nil))
}

// pacer finds the moment when a message may go.
type pacer struct {
	ws            *Workspace
	f             *crm.Facts
	in            Intent
	loc           *time.Location
	quiet         quietHours
	transactional bool
}

// quietHours are the quiet hours of a message in every zone where they may be. They hold while they hold in any of them.
type quietHours struct {
	span  *Span
	zones []*time.Location
}

func (q quietHours) contain(t time.Time) bool {
	return slices.ContainsFunc(q.zones, func(loc *time.Location) bool { return q.span.Contains(t, loc) })
}

// end returns the end of those that hold at t: t itself when none do. Others may have begun by then.
func (q quietHours) end(t time.Time) time.Time {
	last := t
	for _, loc := range q.zones {
		if end := q.span.End(t, loc); end.After(last) {
			last = end
		}
	}
	return last
}

// earliest moves t forward until the candidate's pause, caps, quiet hours and window all agree, and names the first rule that moved it.
func (p *pacer) earliest(t time.Time) (time.Time, string) {
	reason := ""
	for range 64 { // each pass moves by at least a minute of closed time; two or three passes are usual
		next, why := p.push(t)
		if why == ReasonUnopened {
			return t, why
		}
		if !next.After(t) {
			return t, reason
		}
		t, reason = next, cmp.Or(reason, why)
	}
	return t, ReasonUnopened
}

// push returns the first moment at or after t that the first rule which objects would allow.
func (p *pacer) push(t time.Time) (time.Time, string) {
	if until := p.f.Candidate.PausedUntil; !p.transactional && until.After(t) {
		return until, ReasonPaused
	}
	if !p.transactional && !p.in.Planned {
		for _, limit := range []*Limit{p.ws.Limit, p.in.Limit} {
			if room := p.room(limit, t); room.After(t) {
				return room, ReasonCap
			}
		}
	}
	if end := p.quiet.end(t); end.After(t) {
		return end, ReasonQuiet
	}
	if window, loc := p.window(); window != nil {
		opens, ok := window.NextOpen(t, loc)
		if !ok {
			return t, ReasonUnopened
		}
		return opens, ReasonWindow
	}
	return t, ""
}

// room returns when the cap next has room: the sends of the window that ends then are fewer than its count.
func (p *pacer) room(limit *Limit, t time.Time) time.Time {
	if limit == nil || limit.Count <= 0 {
		return t
	}
	ends := make([]time.Time, 0, len(p.f.Sends)) // when each send leaves the window
	for _, s := range p.f.Sends {
		if end := limit.Per.Add(s.At, p.loc, p.ws.Calendar); end.After(t) {
			ends = append(ends, end)
		}
	}
	if len(ends) < limit.Count {
		return t
	}
	slices.SortFunc(ends, time.Time.Compare)
	return ends[len(ends)-limit.Count]
}

// quietHours returns the quiet hours of the message. Nobody hears an email arrive, so its are read in the candidate's zone as
// far as that is known; a text is held back wherever its phone may be (47 CFR 64.1200(c)(1): the called party's location).
func (p *pacer) quietHours(now time.Time) quietHours {
	span := p.ws.quietHours(p.in.Channel, p.transactional)
	switch {
	case span == nil:
		return quietHours{}
	case p.in.Channel == crm.SMS:
		return quietHours{span, phoneZones(&p.f.Candidate, p.ws, now)}
	}
	return quietHours{span, []*time.Location{p.loc}}
}

// window returns the hours of sending and the zone they are read in. The workspace's calendar is read in the candidate's.
func (p *pacer) window() (*Calendar, *time.Location) {
	if p.in.Window != nil {
		return p.in.Window, p.in.Window.Location(p.loc)
	}
	if p.transactional {
		return nil, nil
	}
	return p.ws.Calendar, p.loc
}

// jitter spreads deferred sends, inside the window and before quiet hours.
func (p *pacer) jitter(at time.Time) time.Duration {
	bound := maxJitter
	if window, loc := p.window(); window != nil {
		bound = min(bound, window.CloseAfter(at, loc).Sub(at))
	}
	if bound <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(p.in.Seed))                                               //nolint:gosec // documented never to fail
	spread := time.Duration(h.Sum64() % uint64(bound)).Truncate(time.Second) //nolint:gosec // less than bound, so it fits
	if p.quiet.contain(at.Add(spread)) {
		return 0
	}
	return spread
}

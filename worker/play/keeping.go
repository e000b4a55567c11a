package play

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/retention"
	"github.com/rapport-crm/rapport/store/memory"
)

// keeper plays a retention policy: the script as for sequences, none of which enrolls, and the policy's run every day.
type keeper struct {
	*player

	rules   *retention.Rules
	policy  string // the tested one
	at      time.Time
	notices []crm.RetentionNotice
	said    []crm.Event
	told    map[string]bool // problems that are on the timeline already
	verdict *retention.Verdict
	taken   bool
}

// Keep plays a part under the named policies: the first is the one that runs. Notices go out at once, and whoever has no address
// gets none.
func (s *Stage) Keep(ctx context.Context, part *Part, policies ...string) (*Timeline, error) {
	rules, err := retention.New(s.set, policies...)
	if err != nil {
		return nil, err
	}
	p, err := newPlayer(ctx, s, part)
	if err != nil {
		return nil, err
	}
	k := &keeper{player: p, rules: rules, policy: policies[0], told: map[string]bool{}}
	if err := k.play(); err != nil {
		return nil, err
	}
	return k.timeline(), nil
}

// play goes from one entry of the script or run of the policy to the next. What happens at the moment of a run comes before it.
func (k *keeper) play() error {
	k.at = k.rules.NextRun(k.policy, k.clock.Add(-time.Nanosecond))
	for k.err == nil && !k.taken && k.ctx.Err() == nil {
		scripted := k.script < len(k.part.Script) && !k.due.After(k.at)
		next := k.at
		if scripted {
			next = k.due
		}
		if next.After(k.end()) {
			break
		}
		k.clock = later(k.clock, next)
		if scripted {
			h := &k.part.Script[k.script]
			k.step()
			k.heard(h)
			continue
		}
		k.run()
		k.at = k.rules.NextRun(k.policy, k.at)
	}
	if k.err == nil && !k.taken {
		k.kept()
	}
	return cmp.Or(k.err, k.ctx.Err())
}

// end is when the play is over at the latest: `until`, else when the data are taken if that is only a matter of time, else a year
// after the script.
func (k *keeper) end() time.Time {
	switch {
	case !k.part.Until.IsZero():
		return k.part.Until
	case k.script < len(k.part.Script):
		return later(k.due, k.clock)
	case k.verdict == nil || !k.verdict.DueAt.IsZero():
		return k.last.AddDate(longestRun, 0, 0)
	}
	return k.last.AddDate(scriptYear, 0, 0)
}

// judge holds the candidate against the policies.
func (k *keeper) judge() *retention.Verdict {
	facts, err := k.store.Facts(k.id)
	k.err = cmp.Or(k.err, err)
	v := k.rules.Judge(&crm.RetentionCase{Facts: facts, Said: k.said, Notices: k.notices}, k.clock)
	for i := range v.Rules {
		r := &v.Rules[i]
		if problem := r.Policy + ": " + r.Applying + " cannot be evaluated: " + r.Problem; r.Problem != "" && !r.Applies && !k.told[problem] {
			k.told[problem] = true
			k.add(Line{Kind: LineProblem, Name: r.Policy, Definition: r.Policy, Problem: problem})
		}
	}
	return v
}

// run is a run of the policy.
func (k *keeper) run() {
	v := k.judge()
	k.verdict = v
	switch v.State { //nolint:exhaustive // nothing is done in the others
	case retention.Notify:
		k.notify(v)
	case retention.Due:
		k.taken = true
		k.outcome(k.rules.Policy(v.Policy).Taken(), v)
	}
}

// notify tells the candidate, if anything reaches them.
func (k *keeper) notify(v *retention.Verdict) {
	facts, err := k.store.Facts(k.id)
	k.err = cmp.Or(k.err, err)
	n := crm.RetentionNotice{Policy: v.Policy, Until: v.Until, Due: v.DueAt, At: k.clock, State: crm.NoticeSent}
	l := Line{Kind: LineKind(dsl.ExpectEmail), Definition: v.Policy, Name: k.rules.Policy(v.Policy).Notice.Email, Listed: true}
	why := ""
	if facts.Candidate.Email == "" {
		why = dsl.ReasonNoAddress
	}
	for _, s := range facts.Suppressions {
		if s.Blocks(crm.Email, true) {
			why = cmp.Or(why, dsl.ReasonSuppressed)
		}
	}
	if why != "" {
		n.State, l.Kind, l.Reason = crm.NoticeUnreachable, LineKind(dsl.ExpectSkipped), why
	}
	k.notices = append(k.notices, n)
	k.add(l)
}

// heard takes note of an event that a policy may count, and of what becomes of a notice.
func (k *keeper) heard(h *dsl.Happening) {
	if k.err != nil || h.Event == "" {
		return
	}
	e := crm.Event{Type: h.Event, Time: k.clock, ReceivedAt: k.clock, Data: map[string]any{}}
	maps.Copy(e.Data, h.Data)
	if strings.HasPrefix(h.Event, "message.") {
		n := k.notice()
		if n == nil {
			k.err = k.cannot(h, "no notice was sent yet")
			return
		}
		e.Data["sequence"] = n.Policy
		k.fate(n, &e)
	}
	k.said = append(k.said, e)
}

// notice is the last one that was sent, or nil.
func (k *keeper) notice() *crm.RetentionNotice {
	for i := len(k.notices) - 1; i >= 0; i-- {
		if k.notices[i].State != crm.NoticeUnreachable {
			return &k.notices[i]
		}
	}
	return nil
}

// fate is what a provider reports of a notice: it came back, or the candidate complained.
func (k *keeper) fate(n *crm.RetentionNotice, e *crm.Event) {
	why := crm.SuppressedComplaint
	switch {
	case e.Type == "message.bounced" && e.Data["hard"] != false:
		n.State, why = crm.NoticeBounced, crm.SuppressedBounce
	case e.Type != "message.complained":
		return
	}
	k.err = k.store.OptOut(k.id, memory.OptOut{Channel: crm.Email, Reason: why, Source: "test", At: k.clock})
}

// kept notes what stands at the end.
func (k *keeper) kept() {
	k.clock = later(k.clock, k.part.Until)
	k.outcome(dsl.OutcomeKept, k.judge())
}

func (k *keeper) outcome(name string, v *retention.Verdict) {
	k.add(Line{
		Kind: LineKind(dsl.ExpectOutcome), Definition: v.Policy, Name: name, Reason: v.Reason, Until: v.Until, Listed: true,
		Text: strings.Join(v.Explain(), " "),
	})
}

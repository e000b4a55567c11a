package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// mix is everything that goes on at once in a busy installation, on few candidates, so that they meet all the time.
type mix struct {
	*bundle
	other      *store.Store // a second process
	candidates []string
	runs       []string
	sent       sync.Map // message id → how often it was offered to a provider
	optedOut   sync.Map // candidate id → true, once an opt-out was answered
	late       atomic.Int64
}

// TestMix fails on any error: a deadlock (40P01) that Postgres resolves is one. It also looks at what the protocol promises
// whatever the order: a message is claimed once, never after an opt-out that was answered before.
func TestMix(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, sequence("seq0", "zero"), sequence("seq1", "one"))
	m := &mix{bundle: b, other: b.open(t)}
	for i := range 4 {
		id := b.candidate(t, fmt.Sprintf("ATS-%d", i), grant("talent-community", crm.Email), grant("talent-community", crm.SMS))
		m.candidates = append(m.candidates, id)
		for s := range 2 {
			m.runs = append(m.runs, b.enroll(t, id, fmt.Sprintf("seq%d", s)))
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	var wg sync.WaitGroup
	for name, act := range map[string]func(context.Context) error{
		"receive": m.receive, "receive elsewhere": m.receiveBatch, "dispatch": m.dispatchAny, "dispatch elsewhere": m.dispatchAll,
		"decide": m.decideAny, "decide elsewhere": m.decideAny, "claim": m.claimAndSend, "claim elsewhere": m.claimAndSend, "opt out": m.optOut,
		"upsert": m.upsertSome, "relay": m.relay, "sweep": m.sweep, "pause": m.pause,
	} {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// Each act is finished: only what it does itself may end it with an error.
				if err := act(context.WithoutCancel(ctx)); err != nil {
					t.Errorf("%s, time %d: %v", name, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	offered := 0
	m.sent.Range(func(id, n any) bool {
		offered++
		if n.(*atomic.Int64).Load() != 1 {
			t.Errorf("message %s was claimed %d times", id, n.(*atomic.Int64).Load())
		}
		return true
	})
	if offered == 0 {
		t.Error("nothing was claimed: the mix does not test what it should")
	}
	if n := m.late.Load(); n > 0 {
		t.Errorf("%d messages were claimed after an opt-out had been answered", n)
	}
}

func (m *mix) anyone() string { return m.candidates[rand.IntN(len(m.candidates))] }

func (m *mix) receive(ctx context.Context) error {
	kind := []string{"page.viewed", "message.clicked", "consent.granted"}[rand.IntN(3)]
	data := map[string]any{"purpose": "news"}
	_, err := m.Receive(ctx, []crm.Event{m.event(kind, m.anyone(), data)})
	return err
}

func (m *mix) receiveBatch(ctx context.Context) error {
	var events []crm.Event
	for i := range 20 {
		e := m.event("consent.granted", m.candidates[(i*7)%len(m.candidates)], map[string]any{"purpose": "jobs"})
		e.ExternalID = fmt.Sprint("again", rand.IntN(200))
		events = append(events, e)
	}
	_, err := m.other.Receive(ctx, events)
	return err
}

func (m *mix) dispatchAny(ctx context.Context) error { return m.dispatchWith(ctx, m.Store, m.anyone()) }

func (m *mix) dispatchAll(ctx context.Context) error {
	ids, err := m.other.PendingCandidates(ctx, 10)
	for i := 0; err == nil && i < len(ids); i++ {
		err = m.dispatchWith(ctx, m.other, ids[i])
	}
	return err
}

func (m *mix) dispatchWith(ctx context.Context, s *store.Store, id string) error {
	_, err := s.Dispatch(ctx, id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := positions(in)
		for i := range in.Runs {
			if r := &in.Runs[len(in.Runs)-1-i]; r.Open() { // against the order of their ids
				out.Wake = append(out.Wake, r.ID)
				out.Controls = append(out.Controls, crm.ControlledRun{EnrollmentID: r.ID})
			}
		}
		return out, nil
	})
	return err
}

func (m *mix) decideAny(ctx context.Context) error {
	_, err := m.tryDecide(ctx, m.runs[rand.IntN(len(m.runs))], func(f *crm.Facts, d *crm.Decision) {
		d.Until, d.Awaits = m.now().Add(-time.Minute), []string{"message.settled"}
		d.Messages = []crm.Message{intent(f, d, fmt.Sprint("step", f.Enrollment.Seq), []crm.Channel{crm.Email, crm.SMS}[rand.IntN(2)])}
		d.Change = &crm.CandidateChange{Score: &crm.Score{Points: f.Candidate.Score + 1, At: d.At}}
	})
	return err
}

func (m *mix) claimAndSend(ctx context.Context) error {
	gone := map[string]bool{} // opted out before the claim began
	m.optedOut.Range(func(id, _ any) bool { gone[id.(string)] = true; return true })
	claims, err := m.Claim(ctx, m.now(), []crm.Channel{crm.Email, crm.SMS}[rand.IntN(2)], 3, time.Minute, func(c *store.Claim) store.Verdict {
		for _, s := range c.Facts.Suppressions {
			if s.Blocks(c.Message.Channel, false) {
				return store.Verdict{State: crm.MessageSkipped, Reason: "suppressed"}
			}
		}
		return store.Verdict{State: crm.MessageClaimed, Address: "a@example.org"}
	})
	for i := 0; err == nil && i < len(claims); i++ {
		msg := &claims[i].Message
		n, _ := m.sent.LoadOrStore(msg.ID, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		if gone[msg.CandidateID] && msg.Channel == crm.SMS {
			m.late.Add(1)
		}
		switch rand.IntN(4) {
		case 0:
			err = m.Unknown(ctx, msg.ID, "timeout", m.now())
		case 1:
			err = m.Refuse(ctx, msg.ID, "no", m.now())
		default:
			err = m.Accept(ctx, msg.ID, store.Acceptance{Provider: "p", ProviderID: msg.ID, Address: "a@example.org", At: m.now()})
		}
	}
	return err
}

func (m *mix) optOut(ctx context.Context) error {
	id := m.candidates[rand.IntN(len(m.candidates)/2)] // half of them never opt out
	var outs []store.OptOut
	for _, c := range []string{m.candidates[3], id} { // in another order than their ids
		outs = append(outs, store.OptOut{Channel: crm.Email, CandidateID: c, Reason: crm.SuppressedUnsubscribe, Purpose: "jobs", At: m.now()})
	}
	outs = append(outs, store.OptOut{Channel: crm.SMS, CandidateID: id, Reason: crm.SuppressedStop, At: m.now()})
	_, err := m.ReceiveWithOptOuts(ctx, []crm.Event{m.event("message.replied", id, nil)}, outs)
	m.optedOut.Store(id, true)
	return err
}

func (m *mix) upsertSome(ctx context.Context) error {
	var writes []store.Write
	for i := range 4 {
		writes = append(writes, store.Write{
			Candidate: crm.Candidate{ExternalID: fmt.Sprintf("ATS-%d", 3-i), City: strconv.Itoa(rand.IntN(100))},
			Consents:  []crm.Consent{{Purpose: "news", Channel: crm.Email, Granted: rand.IntN(2) == 0}},
		})
	}
	_, err := m.other.UpsertCandidates(ctx, writes, m.now())
	return err
}

func (m *mix) relay(ctx context.Context) error {
	if err := m.MarkStarted(ctx, m.runs); err != nil {
		return err
	}
	wakes, err := m.Unsignalled(ctx, 100)
	if err != nil {
		return err
	}
	return m.MarkSignalled(ctx, wakes)
}

func (m *mix) sweep(ctx context.Context) error {
	if _, err := m.other.WakeOverdue(ctx, m.now(), 100); err != nil {
		return err
	}
	if _, err := m.other.ExpireLeases(ctx, m.now()); err != nil {
		return err
	}
	_, err := m.other.AdoptEvents(ctx, 100)
	return err
}

func (m *mix) pause(ctx context.Context) error {
	if err := m.PauseDefinition(ctx, "seq0", true); err != nil {
		return err
	}
	return m.PauseDefinition(ctx, "seq0", false)
}

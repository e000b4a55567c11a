package crm_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

func TestFoldEvent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		state   crm.MessageState
		event   string
		want    crm.MessageState
		changed bool
	}{
		"delivery settles":                       {crm.MessageAccepted, "message.delivered", crm.MessageSettled, true},
		"a bounce settles":                       {crm.MessageAccepted, "message.bounced", crm.MessageSettled, true},
		"a complaint settles":                    {crm.MessageAccepted, "message.complained", crm.MessageSettled, true},
		"a failure settles":                      {crm.MessageAccepted, "message.failed", crm.MessageSettled, true},
		"an open does not":                       {crm.MessageAccepted, "message.opened", crm.MessageAccepted, true},
		"a click proves an unknown one":          {crm.MessageUnknown, "message.clicked", crm.MessageAccepted, true},
		"an automatic reply proves it too":       {crm.MessageUnknown, "message.auto_replied", crm.MessageAccepted, true},
		"delivery settles an unknown one":        {crm.MessageUnknown, "message.delivered", crm.MessageSettled, true},
		"the provider is faster than the sender": {crm.MessageClaimed, "message.delivered", crm.MessageSettled, true},
		"settled stays settled":                  {crm.MessageSettled, "message.opened", crm.MessageSettled, true},
		"refused stays refused":                  {crm.MessageRefused, "message.failed", crm.MessageRefused, false},
		"planned stays planned":                  {crm.MessagePlanned, "message.failed", crm.MessagePlanned, false},
		"other events say nothing":               {crm.MessageAccepted, "page.viewed", crm.MessageAccepted, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := crm.Message{State: test.state}
			e := crm.Event{Source: "sendgrid", Type: test.event, Time: at}
			if changed := m.Fold(&e); changed != test.changed || m.State != test.want {
				t.Errorf("changed %v to %s, want %v to %s", changed, m.State, test.changed, test.want)
			}
			later := e
			later.Time = at.Add(time.Hour)
			if again := m; again.Fold(&later) || again != m {
				t.Errorf("the same again changed %+v to %+v", m, again)
			}
			own := crm.Message{State: test.state}
			e.Source = crm.SourceRapport
			if own.Fold(&e) {
				t.Error("Rapport's own event changed the ledger")
			}
		})
	}
}

// A report of the provider's own outweighs what a look-up or a person took for granted.
func TestFoldOfDoubtful(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		message crm.Message
		want    crm.MessageState
	}{
		"it arrived after all":           {crm.Message{State: crm.MessageRefused, Reason: crm.ReasonNeverArrived}, crm.MessageSettled},
		"the person was wrong":           {crm.Message{State: crm.MessageRefused, Reason: crm.ReasonNotSent}, crm.MessageSettled},
		"it does not have to go again":   {crm.Message{State: crm.MessagePlanned, Attempts: 1}, crm.MessageSettled},
		"refused by the provider itself": {crm.Message{State: crm.MessageRefused, Reason: "21610"}, crm.MessageRefused},
		"never handed over":              {crm.Message{State: crm.MessagePlanned}, crm.MessagePlanned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := test.message
			m.Fold(&crm.Event{Source: "sendgrid", Type: "message.delivered", Time: at})
			if m.State != test.want {
				t.Errorf("it is %s, want %s", m.State, test.want)
			}
		})
	}
}

// The order in which a provider's events arrive does not matter.
func TestFoldOrder(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	names := []string{"message.delivered", "message.opened", "message.clicked"}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		m := crm.Message{State: crm.MessageAccepted, AcceptedAt: at}
		for _, i := range order {
			m.Fold(&crm.Event{Source: "sendgrid", Type: names[i], Time: at.Add(time.Duration(i) * time.Minute)})
		}
		want := crm.Message{
			State: crm.MessageSettled, AcceptedAt: at, DeliveredAt: at, OpenedAt: at.Add(time.Minute), ClickedAt: at.Add(2 * time.Minute),
		}
		if m != want {
			t.Errorf("in order %v the message is %+v", order, m)
		}
	}
}

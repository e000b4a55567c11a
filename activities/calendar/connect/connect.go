// Package connect reaches the calendar that a link means, wherever it is: it chooses the package that speaks to its provider, and
// gives it what opens the calendar. It keeps the secrets of nobody longer than it has to: a link that has changed is opened anew.
package connect

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/caldav"
	"github.com/rapport-crm/rapport/activities/calendar/feed"
	"github.com/rapport-crm/rapport/activities/calendar/google"
	"github.com/rapport-crm/rapport/activities/calendar/graph"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Config is what the operator says about calendars.
type Config struct {
	Private   bool       // CalDAV and feeds may be at private addresses, and over plain HTTP
	Google    *oauth.App // nil: Google's calendars cannot be reached
	Microsoft *oauth.App // nil: Microsoft's cannot
	// Keep stores what a provider gives in the place of a secret. The secret is used once that is done.
	Keep func(ctx context.Context, calendarID string, secret crm.Secret) error

	GoogleAPI string       // "" is Google's own
	GraphAPI  string       // "" is Microsoft's own
	HTTP      *http.Client // to those two; nil is one with a timeout
}

// Connector opens calendars. It is safe for concurrent use. What it has opened it keeps, for tokens and feeds that did not change.
type Connector struct {
	config Config
	client *remote.Client

	mu     sync.Mutex
	opened map[string]opened // by the id of the link
}

// opened is a calendar with what it was opened by, hashed.
type opened struct {
	calendar.Calendar
	by [sha256.Size]byte
}

// New returns a connector.
func New(c Config) *Connector {
	return &Connector{config: c, client: remote.New(remote.Config{AllowPrivate: c.Private}), opened: map[string]opened{}}
}

// Open reaches a calendar of somebody. The error is a *calendar.Error and says who has to do something about it.
func (c *Connector) Open(_ context.Context, link *crm.CalendarLink, owner *crm.Interviewer) (calendar.Calendar, error) {
	by := sha256.Sum256([]byte(string(link.Kind) + "\n" + link.Address + "\n" + link.Account + "\n" + owner.Zone + "\n" + owner.Email + "\n" + string(link.Secret)))
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.opened[link.ID]; ok && known.by == by {
		return known.Calendar, nil
	}
	fresh, err := c.open(link, owner)
	if err != nil {
		return nil, err
	}
	c.opened[link.ID] = opened{fresh, by}
	return fresh, nil
}

func (c *Connector) open(link *crm.CalendarLink, owner *crm.Interviewer) (calendar.Calendar, error) {
	zone, err := wallclock.Zone(owner.Zone)
	if err != nil {
		zone = time.UTC
	}
	who := ical.Owner{Zone: zone, Emails: []string{owner.Email}}
	switch link.Kind {
	case crm.CalendarCalDAV:
		return caldav.New(c.client, link.Address, caldav.Account{User: link.Account, Password: string(link.Secret)}, who)
	case crm.CalendarICS:
		return feed.New(c.client, string(link.Secret), who)
	case crm.CalendarGoogle:
		if c.config.Google != nil {
			return google.New(google.Config{
				Calendar: link.Address, Owner: owner.Email, Tokens: c.tokens(c.config.Google, link), HTTP: c.config.HTTP, API: c.config.GoogleAPI,
			}), nil
		}
	case crm.CalendarMicrosoft:
		if c.config.Microsoft != nil {
			return graph.New(graph.Config{
				Calendar: link.Address, Owner: owner.Email, Zone: zone, Tokens: c.tokens(c.config.Microsoft, link), HTTP: c.config.HTTP, API: c.config.GraphAPI,
			}), nil
		}
	case crm.CalendarOwn:
	}
	return nil, &calendar.Error{Kind: calendar.Refused, Code: "not_configured", Detail: "this installation reaches no calendars of this kind"}
}

// tokens are those of a connected account: what is kept is the refresh token. A new one that is stored opens the same calendar
// the next time, by its own.
func (c *Connector) tokens(app *oauth.App, link *crm.CalendarLink) *oauth.Source {
	id, last := link.ID, string(link.Secret)
	var mu sync.Mutex
	return app.Source(oauth.Token{Refresh: last}, func(ctx context.Context, t oauth.Token) error {
		mu.Lock()
		defer mu.Unlock()
		if t.Refresh == last || t.Refresh == "" || c.config.Keep == nil {
			return nil
		}
		if err := c.config.Keep(ctx, id, crm.Secret(t.Refresh)); err != nil {
			return err
		}
		last = t.Refresh
		return nil
	})
}

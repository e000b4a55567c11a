package service

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar/connect"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/crm"
)

// Calendars says how people's calendars are reached. CalDAV and feeds need nothing; Google and Microsoft need to know who asks.
type Calendars struct {
	Private   bool     // CalDAV servers and feeds may be at private addresses, and over plain HTTP
	Google    OAuthApp // registered at Google; zero: its calendars cannot be reached
	Microsoft OAuthApp // registered at Microsoft
	Tenant    string   // of the Microsoft app; empty: any
}

// OAuthApp is what a provider gave when Rapport was registered there.
type OAuthApp struct {
	ID     string
	Secret string
}

// RedirectPath is where owners come back to from a provider, below the public URL.
const RedirectPath = "/calendars/connected"

// check says what is missing.
func (c *Calendars) check() error {
	for flag, app := range map[string]OAuthApp{"google": c.Google, "microsoft": c.Microsoft} {
		if (app.ID == "") != (app.Secret == "") {
			return fmt.Errorf("--%s-client-id and RAPPORT_%s_CLIENT_SECRET belong together: give both, or neither", flag, strings.ToUpper(flag))
		}
	}
	if c.Tenant != "" && c.Microsoft.ID == "" {
		return errors.New("--microsoft-tenant is of no use without --microsoft-client-id")
	}
	return nil
}

// apps are the registered ones.
func (c *Calendars) apps(public string) map[crm.CalendarKind]*oauth.App {
	apps := map[crm.CalendarKind]*oauth.App{}
	back := strings.TrimSuffix(public, "/") + RedirectPath
	if c.Google.ID != "" {
		apps[crm.CalendarGoogle] = oauth.Google(c.Google.ID, c.Google.Secret, back)
	}
	if c.Microsoft.ID != "" {
		apps[crm.CalendarMicrosoft] = oauth.Microsoft(c.Tenant, c.Microsoft.ID, c.Microsoft.Secret, back)
	}
	return apps
}

// calendars returns the way to people's calendars, and the domain of events in them.
func (c *Config) calendars(ctx context.Context) (booking.Open, string, error) {
	if err := c.Calendars.check(); err != nil {
		return nil, "", err
	}
	domain, err := c.calendarDomain(ctx)
	if err != nil {
		return nil, "", err
	}
	apps := c.Calendars.apps(c.PublicURL)
	connector := connect.New(connect.Config{
		Private: c.Calendars.Private, Google: apps[crm.CalendarGoogle], Microsoft: apps[crm.CalendarMicrosoft], Keep: c.Store.RenewCalendarSecret,
	})
	return connector.Open, domain, nil
}

// calendarDomain is the domain of events in calendars. It is that of the first public URL, and stays: programs know a meeting by
// it.
func (c *Config) calendarDomain(ctx context.Context) (string, error) {
	domain, err := c.Store.Setting(ctx, "calendar_domain", func() (string, error) {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Hostname() == "" {
			return "rapport.invalid", nil //nolint:nilerr // any name will do
		}
		return u.Hostname(), nil
	})
	if err != nil {
		return "", fmt.Errorf("read domain of calendar events: %w", err)
	}
	return domain, nil
}

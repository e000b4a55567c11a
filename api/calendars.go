package api

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// Calendar is one of an interviewer's calendars, without what opens it.
type Calendar struct {
	ID      string            `json:"id"`
	Kind    crm.CalendarKind  `json:"kind" enum:"own,ics,caldav,google,microsoft"`
	Address string            `json:"address,omitempty" doc:"Of a feed only the host: whoever has the whole URL can read it."`
	Account string            `json:"account,omitempty"`
	State   crm.CalendarState `json:"state,omitempty" enum:"ok,unauthorized,gone,unavailable" doc:"How it went when it was last asked; absent until then. unauthorized: its owner has to connect it again. gone: its owner has to choose another."`
	Since   time.Time         `json:"since,omitzero" doc:"When it got that state."`
	LastOK  time.Time         `json:"last_ok,omitzero" doc:"When it last answered."`
}

func calendarOf(l *crm.CalendarLink) Calendar {
	return Calendar{ID: l.ID, Kind: l.Kind, Address: l.Address, Account: l.Account, State: l.State, Since: l.Since, LastOK: l.LastOK}
}

// CalendarInput is a calendar to connect.
type CalendarInput struct {
	Kind    crm.CalendarKind `json:"kind" enum:"own,ics,caldav,google,microsoft" doc:"own is Rapport's own; ics is a feed that is only read; interviews are written into the others."`
	Address string           `json:"address,omitempty" maxLength:"2000" doc:"Of caldav and ics the URL, with https; of google and microsoft the calendar's id, the account's main calendar if it is left out." example:"https://dav.trust.example/maya/work/"`
	Account string           `json:"account,omitempty" maxLength:"300" doc:"The user's name at caldav, google and microsoft." example:"maya"`
	Secret  string           `json:"secret,omitempty" maxLength:"20000" writeOnly:"true" doc:"Of caldav the password, of google and microsoft the refresh token. Left out, the one that is there stays."`
}

func (s *server) putCalendar(ctx context.Context, in *struct {
	InterviewerRef
	Body CalendarInput
},
) (*body[Calendar], error) {
	write, found := in.Body.write()
	if problem := located("The calendar is not valid", found); problem != nil {
		return nil, problem
	}
	link, _, err := s.Store.PutCalendar(ctx, in.ID, write, caller(ctx), s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[Calendar]{Body: calendarOf(&link)}, nil
}

func (s *server) removeCalendar(ctx context.Context, in *struct {
	InterviewerRef
	Calendar string `path:"calendar" maxLength:"100" doc:"The calendar's id."`
},
) (*struct{}, error) {
	if err := s.Store.RemoveCalendar(ctx, in.ID, in.Calendar, caller(ctx), s.Now()); err != nil {
		return nil, problemOf(err)
	}
	return nil, nil //nolint:nilnil // no content
}

// write is what the store is asked to do, and what is wrong with it. Nothing that was sent is repeated: a secret may be in the
// wrong field.
func (in *CalendarInput) write() (store.CalendarWrite, []Located) {
	c := checker{}
	for field, text := range map[string]string{"address": in.Address, "account": in.Account, "secret": in.Secret} {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			c.add(field, "it holds a line break or another control character")
		}
	}
	w := store.CalendarWrite{Kind: in.Kind, Address: in.Address, Account: in.Account, Secret: crm.Secret(in.Secret)}
	switch in.Kind {
	case crm.CalendarOwn:
		c.absent("address", in.Address)
		c.absent("account", in.Account)
		c.absent("secret", in.Secret)
	case crm.CalendarICS:
		c.absent("account", in.Account)
		c.absent("secret", in.Secret)
		if u := c.url(in.Address); u != nil {
			w.Address, w.Secret = u.Scheme+"://"+u.Host, crm.Secret(u.String())
		}
	case crm.CalendarCalDAV:
		c.present("account", in.Account)
		if u := c.url(in.Address); u != nil {
			w.Address = u.String()
		}
	case crm.CalendarGoogle, crm.CalendarMicrosoft:
		c.present("account", in.Account)
	}
	return w, c.found
}

func (c *checker) absent(field, text string) {
	if text != "" {
		c.add(field, "this kind of calendar has none")
	}
}

func (c *checker) present(field, text string) {
	if strings.TrimSpace(text) == "" {
		c.add(field, "it is missing")
	}
}

// url reads the address of a calendar. A password crosses the network, so it has to be HTTPS, but on the same machine.
func (c *checker) url(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		c.add("address", "it is not a URL like https://dav.trust.example/maya/")
		return nil
	}
	switch u.Scheme = strings.ToLower(u.Scheme); u.Scheme {
	case "webcal", "webcals": // what calendar programs call HTTPS
		u.Scheme = "https"
	case "http":
		if host := u.Hostname(); host != "localhost" && !net.ParseIP(host).IsLoopback() {
			c.add("address", "it begins with http, so that others could read along: use https")
			return nil
		}
	case "https":
	default:
		c.add("address", "it does not begin with https")
		return nil
	}
	if u.User != nil {
		c.add("address", "it holds a user name or password: give the account and the secret by themselves")
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	return u
}

package caldav

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
	"github.com/rapport-crm/rapport/crm"
)

// Account is how somebody signs in to a server.
type Account struct {
	User     string
	Password string // best one for this application alone
}

// Calendar is one calendar on a server. It is safe for concurrent use.
type Calendar struct {
	client *remote.Client
	url    *url.URL // of the collection; ends in a slash
	as     Account
	owner  ical.Owner
}

var _ calendar.Calendar = (*Calendar)(nil)

// New returns the calendar at an address, as Discover found it. The error is a *calendar.Error and says what is wrong with the
// address.
func New(client *remote.Client, address string, as Account, owner ical.Owner) (*Calendar, error) {
	u, err := client.URL(address)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(u.Path, "/") {
		u = u.JoinPath("/")
	}
	return &Calendar{client: client, url: u, as: as, owner: owner}, nil
}

// ask does a request. Headers are names and values in turn.
func (c *Calendar) ask(ctx context.Context, method string, to *url.URL, body string, headers ...string) (*remote.Answer, error) {
	return ask(ctx, c.client, c.as, method, to, body, headers...)
}

func ask(ctx context.Context, client *remote.Client, as Account, method string, to *url.URL, body string, headers ...string) (*remote.Answer, error) {
	header := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			header.Set(headers[i], headers[i+1])
		}
	}
	return client.Do(ctx, remote.Request{Method: method, URL: to, Header: header, Body: body, User: as.User, Password: as.Password})
}

// Busy implements calendar.Calendar. Blocks have no UID where the server lets us see the times alone.
func (c *Calendar) Busy(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	a, err := c.ask(ctx, "REPORT", c.url, eventsBetween(within), "Depth", "1", "Content-Type", xmlType)
	switch {
	case err != nil:
		return nil, err
	case a.Status == http.StatusForbidden, a.Status == http.StatusNotImplemented:
		return c.freeBusy(ctx, within)
	case a.Status != http.StatusMultiStatus:
		return nil, remote.Failure(a)
	}
	resources, err := parse(a.Body)
	if err != nil {
		return nil, err
	}
	var pieces []*ical.Calendar
	for _, r := range resources {
		if data := r.prop().Data; data != "" {
			piece, err := ical.Parse([]byte(data))
			if err != nil {
				return nil, err
			}
			pieces = append(pieces, piece)
		}
	}
	return ical.Busy(within, c.owner, pieces...)
}

// freeBusy asks for times without events (RFC 4791, 7.10).
func (c *Calendar) freeBusy(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	a, err := c.ask(ctx, "REPORT", c.url, busyBetween(within), "Depth", "1", "Content-Type", xmlType)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK {
		return nil, remote.Failure(a)
	}
	answer, err := ical.Parse(a.Body)
	if err != nil {
		return nil, err
	}
	return answer.Busy(within, c.owner)
}

// Find implements calendar.Calendar.
func (c *Calendar) Find(ctx context.Context, uid string) (*calendar.Event, error) {
	kept, err := c.lookUp(ctx, uid)
	if err != nil || kept == nil {
		return nil, err
	}
	return kept.event, nil
}

// stored is an event as the server keeps it.
type stored struct {
	url   *url.URL
	etag  string // strong, or ""
	event *calendar.Event
}

// lookUp finds the event with this UID, or nil. It is where we would put it, or anywhere else: the owner's own program may have
// taken it from the invitation, and a UID is in a calendar once (RFC 4791, 4.1).
func (c *Calendar) lookUp(ctx context.Context, uid string) (*stored, error) {
	at := c.place(uid)
	a, err := c.ask(ctx, http.MethodGet, at, "", "Accept", "text/calendar")
	switch {
	case err != nil:
		return nil, err
	case a.Status == http.StatusOK:
		if kept, err := c.read(uid, at, a.Header.Get("ETag"), a.Body); kept != nil || err != nil {
			return kept, err
		}
	case a.Status != http.StatusNotFound && a.Status != http.StatusGone:
		return nil, remote.Failure(a)
	}
	if a, err = c.ask(ctx, "REPORT", c.url, eventNamed(uid), "Depth", "1", "Content-Type", xmlType); err != nil {
		return nil, err
	}
	if a.Status != http.StatusMultiStatus {
		return nil, remote.Failure(a)
	}
	resources, err := parse(a.Body)
	if err != nil {
		return nil, err
	}
	for _, r := range resources {
		at, err := resolve(a.URL, r.Href)
		if err != nil {
			return nil, err
		}
		if kept, err := c.read(uid, at, r.prop().ETag, []byte(r.prop().Data)); kept != nil || err != nil {
			return kept, err
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// read reads an event that a server keeps. It is nil if the text has no event with this UID: a server may find more than was
// asked for.
func (c *Calendar) read(uid string, at *url.URL, etag string, text []byte) (*stored, error) {
	if len(text) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	kept, err := ical.Parse(text)
	if err != nil {
		return nil, err
	}
	event, err := kept.Find(uid, c.owner)
	if event == nil || err != nil {
		return nil, err
	}
	if strings.HasPrefix(etag, "W/") { // If-Match compares strong ones alone (RFC 9110, 13.1.1)
		etag = ""
	}
	return &stored{at, etag, event}, nil
}

// place is where an event of ours goes. A UID that would not do as the name of a file is hashed.
func (c *Calendar) place(uid string) *url.URL {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_@.", r)
	}
	name := uid
	if strings.ContainsFunc(uid, func(r rune) bool { return !plain(r) }) || strings.Trim(uid, ".") != uid || len(uid) > 100 || uid == "" {
		sum := sha256.Sum256([]byte(uid))
		name = hex.EncodeToString(sum[:16])
	}
	return c.url.JoinPath(name + ".ics")
}

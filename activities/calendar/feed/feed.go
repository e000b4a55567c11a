package feed

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
	"github.com/rapport-crm/rapport/crm"
)

// Feed is one published calendar. It is safe for concurrent use, and remembers the last file for as long as it lives.
type Feed struct {
	client *remote.Client
	url    *url.URL
	owner  ical.Owner

	mu       sync.Mutex
	etag     string
	modified string
	last     *ical.Calendar // nil until the first answer
}

var _ calendar.Calendar = (*Feed)(nil)

// New returns the feed at an address, https:// or webcal://. The error is a *calendar.Error and says what is wrong with it. The
// address is a secret: whoever has it reads the calendar.
func New(client *remote.Client, address string, owner ical.Owner) (*Feed, error) {
	u, err := client.URL(address)
	if err != nil {
		return nil, err
	}
	return &Feed{client: client, url: u, owner: owner}, nil
}

// Busy implements calendar.Calendar.
func (f *Feed) Busy(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	c, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	return c.Busy(within, f.owner)
}

// Find implements calendar.Calendar.
func (f *Feed) Find(ctx context.Context, uid string) (*calendar.Event, error) {
	c, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	return c.Find(uid, f.owner)
}

// Put implements calendar.Calendar: it is read-only.
func (f *Feed) Put(context.Context, calendar.Event) error { return readOnly() }

// Delete implements calendar.Calendar: it is read-only.
func (f *Feed) Delete(context.Context, string) error { return readOnly() }

func readOnly() error { return &calendar.Error{Kind: calendar.ReadOnly, Code: "feed"} }

// read asks for the file, and takes the last one if it is still the same (RFC 9110, 13.1).
func (f *Feed) read(ctx context.Context) (*ical.Calendar, error) {
	header := http.Header{"Accept": {"text/calendar, text/plain;q=0.5, */*;q=0.1"}}
	f.mu.Lock()
	last, etag, modified := f.last, f.etag, f.modified
	f.mu.Unlock()
	if last != nil && etag != "" {
		header.Set("If-None-Match", etag)
	}
	if last != nil && modified != "" {
		header.Set("If-Modified-Since", modified)
	}
	a, err := f.client.Do(ctx, remote.Request{Method: http.MethodGet, URL: f.url, Header: header})
	switch {
	case err != nil:
		return nil, err
	case a.Status == http.StatusNotModified && last != nil:
		return last, nil
	case a.Status != http.StatusOK:
		return nil, remote.Failure(a)
	}
	c, err := ical.Parse(a.Body)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last, f.etag, f.modified = c, a.Header.Get("ETag"), a.Header.Get("Last-Modified")
	return c, nil
}

package caldav

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

// Found is a calendar of somebody's account.
type Found struct {
	URL      string // for New
	Name     string // as its owner called it; may be ""
	ReadOnly bool
}

const wanted = `<D:propfind` + spaces + `><D:prop><D:current-user-principal/><C:calendar-home-set/><D:resourcetype/>` +
	`<D:displayname/><C:supported-calendar-component-set/><D:current-user-privilege-set/></D:prop></D:propfind>`

// explorer asks a server about its resources.
type explorer struct {
	client *remote.Client
	as     Account
}

// Discover finds the calendars of an account, sorted by address. The address may be that of a server (RFC 6764), of a principal, or
// of one calendar. The error is a *calendar.Error: unauthorized if the server does not know the account, gone if there is no
// CalDAV at the address.
func Discover(ctx context.Context, client *remote.Client, address string, as Account) ([]Found, error) {
	start, err := client.URL(address)
	if err != nil {
		return nil, err
	}
	x := explorer{client, as}
	first := &calendar.Error{Kind: calendar.Gone, Code: "no_caldav", Detail: "there is no CalDAV at its address"}
	for _, at := range []*url.URL{start, start.ResolveReference(&url.URL{Path: "/.well-known/caldav"}), start.ResolveReference(&url.URL{Path: "/"})} {
		base, here, failure := x.properties(ctx, at, "0")
		if failure != nil {
			if serious(failure) {
				return nil, failure
			}
			continue
		}
		found, err := x.from(ctx, base, here)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, first
}

// serious tells whether a failure says more than that there is nothing at an address: another address would not do better.
func serious(err error) bool {
	failure, ok := err.(*calendar.Error) //nolint:errorlint // it is never wrapped
	if !ok {
		return true
	}
	switch failure.Kind {
	case calendar.Gone, calendar.Unreadable:
		return false
	case calendar.Refused:
		return failure.Code == "other_host" || failure.Code == "private_address"
	case calendar.Unauthorized:
		return failure.Code == "http_401"
	case calendar.ReadOnly, calendar.Conflict, calendar.Throttled, calendar.Unavailable:
	}
	return true
}

// properties asks for a resource, and with a depth of 1 for what is in it. It returns the address that answered.
func (x *explorer) properties(ctx context.Context, at *url.URL, depth string) (*url.URL, []resource, error) {
	a, err := ask(ctx, x.client, x.as, "PROPFIND", at, header+wanted, "Depth", depth, "Content-Type", xmlType)
	if err != nil {
		return nil, nil, err
	}
	if a.Status != http.StatusMultiStatus {
		return nil, nil, remote.Failure(a)
	}
	all, err := parse(a.Body)
	return a.URL, all, err
}

// from goes from what a resource says of itself to calendars: it is one, or it names a home of calendars, or a principal that does.
func (x *explorer) from(ctx context.Context, base *url.URL, here []resource) ([]Found, error) {
	if found, err := calendars(base, here); err != nil || len(found) > 0 {
		return found, err
	}
	homes, principals := links(here)
	for _, href := range principals {
		if len(homes) > 0 {
			break
		}
		at, err := resolve(base, href)
		if err != nil {
			return nil, err
		}
		from, there, err := x.properties(ctx, at, "0")
		if err != nil {
			return nil, err
		}
		homes, _ = links(there)
		base = from
	}
	var all []Found
	for _, href := range homes {
		at, err := resolve(base, href)
		if err != nil {
			return nil, err
		}
		from, inside, err := x.properties(ctx, at, "1")
		if err != nil {
			return nil, err
		}
		found, err := calendars(from, inside)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b Found) int { return strings.Compare(a.URL, b.URL) })
	return all, nil
}

func links(all []resource) (homes, principals []string) {
	for i := range all {
		p := all[i].prop()
		homes, principals = append(homes, p.Homes.All...), append(principals, p.Principal.All...)
	}
	return homes, principals
}

// calendars returns those of the resources that are calendars of events.
func calendars(base *url.URL, all []resource) ([]Found, error) {
	var found []Found
	for i := range all {
		p := all[i].prop()
		if p.Type.Calendar == nil || !p.Holds.events() {
			continue
		}
		at, err := resolve(base, all[i].Href)
		if err != nil {
			return nil, err
		}
		found = append(found, Found{URL: at.String(), Name: strings.TrimSpace(p.Name), ReadOnly: !p.Rights.write()})
	}
	return found, nil
}

// events tells whether a calendar takes events. One that does not say takes everything.
func (h *holds) events() bool {
	if h == nil || len(h.Components) == 0 {
		return true
	}
	for _, c := range h.Components {
		if strings.EqualFold(c.Name, "VEVENT") {
			return true
		}
	}
	return false
}

// write tells whether the account may put events there. A server that does not say finds out when it is asked to.
func (r *rights) write() bool {
	if r == nil || len(r.Privileges) == 0 {
		return true
	}
	for _, p := range r.Privileges {
		if p.All != nil || p.Write != nil || p.Bind != nil || p.Put != nil {
			return true
		}
	}
	return false
}

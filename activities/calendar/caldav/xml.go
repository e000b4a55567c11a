package caldav

import (
	"encoding/xml"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

const xmlType = "application/xml; charset=utf-8"

const (
	header  = `<?xml version="1.0" encoding="utf-8"?>` + "\n"
	spaces  = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"`
	ofEvent = `<D:prop><D:getetag/><C:calendar-data/></D:prop>`
)

// eventsBetween asks for the events that touch a span (RFC 4791, 7.8.1), and for some more: servers know floating times and the
// owner's days less well than we do, and Radicale 3.1 takes a recurring event with a DURATION for its beginning alone.
func eventsBetween(within crm.Span) string {
	return query(between(crm.Span{Start: within.Start.AddDate(0, 0, -15), End: within.End.AddDate(0, 0, 1)}))
}

// eventNamed asks for the event with a UID (RFC 4791, 7.8.6).
func eventNamed(uid string) string {
	return query(`<C:prop-filter name="UID"><C:text-match collation="i;octet">` + escaped(uid) + `</C:text-match></C:prop-filter>`)
}

func query(filter string) string {
	return header + `<C:calendar-query` + spaces + `>` + ofEvent + `<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">` +
		filter + `</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
}

// busyBetween asks for times alone (RFC 4791, 7.10).
func busyBetween(within crm.Span) string {
	return header + `<C:free-busy-query` + spaces + `>` + between(within) + `</C:free-busy-query>`
}

func between(s crm.Span) string {
	const layout = "20060102T150405Z"
	return `<C:time-range start="` + s.Start.UTC().Format(layout) + `" end="` + s.End.UTC().Add(time.Second-1).Format(layout) + `"/>`
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

// multistatus is an answer about several resources (RFC 4918, 13).
type multistatus struct {
	XMLName   xml.Name   `xml:"DAV: multistatus"`
	Responses []resource `xml:"DAV: response"`
}

type resource struct {
	Href  string `xml:"DAV: href"`
	Found []struct {
		Status string `xml:"DAV: status"`
		Prop   prop   `xml:"DAV: prop"`
	} `xml:"DAV: propstat"`
}

type prop struct {
	ETag      string  `xml:"DAV: getetag"`
	Data      string  `xml:"urn:ietf:params:xml:ns:caldav calendar-data"`
	Name      string  `xml:"DAV: displayname"`
	Principal hrefs   `xml:"DAV: current-user-principal"`
	Homes     hrefs   `xml:"urn:ietf:params:xml:ns:caldav calendar-home-set"`
	Type      kind    `xml:"DAV: resourcetype"`
	Holds     *holds  `xml:"urn:ietf:params:xml:ns:caldav supported-calendar-component-set"`
	Rights    *rights `xml:"DAV: current-user-privilege-set"`
}

type hrefs struct {
	All []string `xml:"DAV: href"`
}

type kind struct {
	Calendar *struct{} `xml:"urn:ietf:params:xml:ns:caldav calendar"`
}

type holds struct {
	Components []struct {
		Name string `xml:"name,attr"`
	} `xml:"urn:ietf:params:xml:ns:caldav comp"`
}

type rights struct {
	Privileges []struct {
		All   *struct{} `xml:"DAV: all"`
		Write *struct{} `xml:"DAV: write"`
		Bind  *struct{} `xml:"DAV: bind"`
		Put   *struct{} `xml:"DAV: write-content"`
	} `xml:"DAV: privilege"`
}

// prop returns the properties that the server has.
func (r *resource) prop() *prop {
	for i := range r.Found {
		if status := r.Found[i].Status; status == "" || strings.Contains(status, " 200") {
			return &r.Found[i].Prop
		}
	}
	return &prop{}
}

func parse(body []byte) ([]resource, error) {
	var m multistatus
	if err := xml.Unmarshal(body, &m); err != nil {
		return nil, &calendar.Error{Kind: calendar.Unreadable, Code: "not_webdav", Detail: "its server does not answer as a CalDAV server does"}
	}
	return m.Responses, nil
}

// resolve reads an address that a server gives for something of its own. It may be another machine of the same site, as iCloud's
// are, since the password goes there.
func resolve(base *url.URL, href string) (*url.URL, error) {
	to, err := base.Parse(strings.TrimSpace(href))
	if err != nil || to.Scheme != base.Scheme || to.User != nil || to.Host != base.Host && site(to) != site(base) {
		return nil, &calendar.Error{Kind: calendar.Refused, Code: "other_host", Detail: "its server sends us to one of somebody else"}
	}
	return to, nil
}

// site is the part of a host's name that somebody registered; the host and port themselves where it has none.
func site(u *url.URL) string {
	name := strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(name); err == nil || u.Scheme != "https" || u.Port() != "" {
		return u.Host
	}
	if registered, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return registered
	}
	return u.Host
}

package sandbox

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// textPage is a page of Twilio's list of messages.
type textPage struct {
	End             int            `json:"end"`
	FirstPageURI    string         `json:"first_page_uri"`
	Messages        []textResource `json:"messages"`
	NextPageURI     *string        `json:"next_page_uri"`
	Page            int            `json:"page"`
	PageSize        int            `json:"page_size"`
	PreviousPageURI *string        `json:"previous_page_uri"`
	Start           int            `json:"start"`
	URI             string         `json:"uri"`
}

// listTexts is GET /2010-04-01/Accounts/{account}/Messages.json: newest first, filtered by To, From and DateSent.
func (s *Sandbox) listTexts(w http.ResponseWriter, r *http.Request) {
	if !s.admitTwilio(w, r) {
		return
	}
	query := r.URL.Query()
	c, refused := textConditions(query)
	if refused != nil {
		answerTwilio(w, refused)
		return
	}
	size, page := twilioPageSize, 0
	if n, err := strconv.Atoi(query.Get("PageSize")); err == nil && n > 0 {
		size = min(n, twilioPageLimit)
	}
	if n, err := strconv.Atoi(query.Get("Page")); err == nil && n > 0 {
		page = n
	}
	found, err := s.selectMessages(r.Context(), c, " order by seq desc limit "+strconv.Itoa(size+1))
	if err != nil {
		s.failTwilio(w, r, err)
		return
	}
	more := len(found) > size
	found = found[:min(len(found), size)]
	answer := textPage{
		Page: page, PageSize: size, Start: page * size, End: page*size + max(len(found)-1, 0), URI: r.URL.RequestURI(),
		FirstPageURI: pageURI(r, size, 0, ""), Messages: make([]textResource, len(found)),
	}
	for i, m := range found {
		answer.Messages[i] = s.textResource(m)
	}
	if more {
		next := pageURI(r, size, page+1, "PA"+found[len(found)-1].ID)
		answer.NextPageURI = &next
	}
	writeJSON(w, http.StatusOK, answer)
}

func textConditions(query url.Values) (*conditions, *twilioError) {
	c := &conditions{}
	c.add("provider = ?", Twilio)
	if to := query.Get("To"); to != "" {
		c.add("recipient = ?", to)
	}
	if from := query.Get("From"); from != "" {
		c.add("sender = ?", from)
	}
	if token, ok := strings.CutPrefix(query.Get("PageToken"), "PA"); ok {
		c.add("seq < (select seq from sandbox.messages where id = ?)", token)
	}
	for _, name := range []string{"DateSent", "DateSent<", "DateSent>"} {
		value := query.Get(name)
		if value == "" {
			continue
		}
		at, whole, err := parseTwilioDate(value)
		if err != nil {
			return nil, invalid(20001, "%s must be a date as YYYY-MM-DD, or an ISO 8601 time", name)
		}
		switch {
		case name == "DateSent>":
			c.add("sent_at >= ?", at)
		case name == "DateSent<" && whole:
			c.add("sent_at < ?", at.AddDate(0, 0, 1)) // on or before that day
		case name == "DateSent<":
			c.add("sent_at <= ?", at)
		default:
			day := at.UTC().Truncate(24 * time.Hour)
			c.add("sent_at >= ?", day)
			c.add("sent_at < ?", day.AddDate(0, 0, 1))
		}
	}
	return c, nil
}

// parseTwilioDate reads a day in GMT or a time.
func parseTwilioDate(value string) (at time.Time, whole bool, err error) {
	if at, err = time.Parse(time.DateOnly, value); err == nil {
		return at, true, nil
	}
	at, err = time.Parse(time.RFC3339, value)
	return at, false, err
}

// pageURI is the address of another page of the same list.
func pageURI(r *http.Request, size, page int, token string) string {
	query := r.URL.Query()
	query.Set("PageSize", strconv.Itoa(size))
	query.Set("Page", strconv.Itoa(page))
	query.Del("PageToken")
	if token != "" {
		query.Set("PageToken", token)
	}
	return r.URL.Path + "?" + query.Encode()
}

package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// The reasons for which SendGrid drops mail, by the lists that it gives them out in.
func listed() map[string]string {
	return map[string]string{"bounces": "Bounced Address", "spam_reports": "Spam Reporting Address", "unsubscribes": unsubscribed, "invalid_emails": "Invalid"}
}

const unsubscribed = "Unsubscribed Address"

// listEntry is an address on one of SendGrid's suppression lists.
type listEntry struct {
	Email   string `json:"email"`
	Created int64  `json:"created"` // Unix time
	Reason  string `json:"reason,omitempty"`
}

// serveList is GET /v3/suppression/{list}?start_time=&end_time=&limit=&offset=, times as Unix seconds.
func (s *Sandbox) serveList(w http.ResponseWriter, r *http.Request) {
	reason, known := listed()[r.PathValue("list")]
	if status, problem := s.authorized(r); status != 0 {
		answerMail(w, status, requestError(problem))
		return
	}
	if !known {
		answerMail(w, http.StatusNotFound, requestError("not found"))
		return
	}
	number := func(name string, otherwise int64) int64 {
		n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
		if err != nil {
			return otherwise
		}
		return n
	}
	rows, err := s.pool.Query(r.Context(), `select recipient, extract(epoch from at)::bigint, reason from sandbox.suppressions
		where provider = $1 and reason = $2 and at >= $3 and at < $4 order by at, recipient limit $5 offset $6`, SendGrid, reason,
		time.Unix(number("start_time", 0), 0), time.Unix(number("end_time", 1<<33)+1, 0), min(number("limit", 500), 500), number("offset", 0))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[listEntry])
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, append([]listEntry{}, entries...))
}

// addSuppressions is POST /v3/asm/suppressions/global: addresses that nothing is sent to any more.
func (s *Sandbox) addSuppressions(w http.ResponseWriter, r *http.Request) {
	if status, problem := s.admitMail(r); status != 0 {
		answerMail(w, status, requestError(problem))
		return
	}
	var in struct {
		Recipients []string `json:"recipient_emails"`
	}
	body, err := readMail(w, r)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil || len(in.Recipients) == 0 || slices.Contains(in.Recipients, "") {
		answerMail(w, http.StatusBadRequest, requestError("recipient_emails must be a list of addresses"))
		return
	}
	for _, address := range in.Recipients {
		if err := s.suppress(r.Context(), SendGrid, "", address, unsubscribed); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	writeJSON(w, http.StatusCreated, map[string][]string{"recipient_emails": in.Recipients})
}

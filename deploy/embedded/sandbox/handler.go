package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Handler serves the providers' APIs, the tests' own endpoints below /sandbox/, and the pages.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/mail/send", s.sendMail)
	mux.HandleFunc("GET /v3/suppression/{list}", s.serveList)
	mux.HandleFunc("POST /v3/asm/suppressions/global", s.addSuppressions)
	texts := "/" + twilioVersion + "/Accounts/{account}/Messages"
	mux.HandleFunc("POST "+texts+".json", s.sendText)
	mux.HandleFunc("GET "+texts+".json", s.listTexts)
	mux.HandleFunc("GET "+texts+"/{file}", s.getText)
	mux.HandleFunc("POST /ats", s.tellATS)

	mux.HandleFunc("GET /sandbox/messages", s.serveMessages)
	mux.HandleFunc("GET /sandbox/messages/{id}", s.serveMessage)
	mux.HandleFunc("GET /sandbox/ats", s.serveATS)
	mux.HandleFunc("GET /sandbox/stats", s.serveStats)
	mux.HandleFunc("GET /sandbox/faults", s.serveFaults)
	mux.HandleFunc("PUT /sandbox/faults", s.changeFaults)
	mux.HandleFunc("GET /sandbox/public-key", s.servePublicKey)
	mux.HandleFunc("GET /sandbox/version", s.serveVersion)

	mux.HandleFunc("GET /{$}", s.inboxPage)
	mux.HandleFunc("GET /ats", s.atsPage)
	mux.HandleFunc("GET /mails/{id}", s.mailPage)
	mux.HandleFunc("GET /mails/{id}/body", s.mailBody)
	mux.HandleFunc("GET /mails/{id}/files/{n}", s.mailFile)
	mux.HandleFunc("POST /mails/{id}/{action}", s.actOnMail)
	mux.HandleFunc("GET /phones/{number}", s.phonePage)
	mux.HandleFunc("POST /phones/{number}/reply", s.replyByText)
	mux.HandleFunc("POST /texts/{id}/undelivered", s.failText)
	mux.Handle("GET /static/", staticFiles())
	// A page elsewhere must not press buttons here: requests that a browser marks as cross-origin may only read.
	return http.NewCrossOriginProtection().Handler(mux)
}

// serveMessages is GET /sandbox/messages?to=&from=&provider=&direction=&reference=&custom_arg=name:value&after=&limit=&newest=true.
func (s *Sandbox) serveMessages(w http.ResponseWriter, r *http.Request) {
	filter, err := parseFilter(r.URL.Query())
	if err != nil {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	messages, err := s.Messages(r.Context(), filter)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Messages []Message `json:"messages"`
	}{append([]Message{}, messages...)})
}

func parseFilter(query url.Values) (Filter, error) {
	f := Filter{
		Provider: Provider(query.Get("provider")), Direction: Direction(query.Get("direction")), To: query.Get("to"),
		From: query.Get("from"), Search: query.Get("search"), Reference: query.Get("reference"), Newest: query.Get("newest") == "true",
	}
	for _, arg := range query["custom_arg"] {
		name, value, ok := strings.Cut(arg, ":")
		if !ok {
			return Filter{}, errors.New("custom_arg must be name:value")
		}
		f.CustomArgs = merged(f.CustomArgs, map[string]string{name: value})
	}
	if after := query.Get("after"); after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return Filter{}, errors.New("after must be the seq of a message")
		}
		f.After = n
	}
	if limit := query.Get("limit"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 || n > highestLimit {
			return Filter{}, errors.New("limit must be 1 to 10000")
		}
		f.Limit = n
	}
	return f, nil
}

func (s *Sandbox) serveMessage(w http.ResponseWriter, r *http.Request) {
	m, err := s.Message(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, m)
}

func (s *Sandbox) serveStats(w http.ResponseWriter, r *http.Request) {
	stats, err := s.Stats(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, stats)
}

func (s *Sandbox) serveFaults(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Faults())
}

// changeFaults is PUT /sandbox/faults: the body replaces all faults, {} ends them.
func (s *Sandbox) changeFaults(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	decoder.DisallowUnknownFields()
	var faults Faults
	err := decoder.Decode(&faults)
	if err == nil {
		err = s.SetFaults(faults)
	}
	if err != nil {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, faults)
}

func (s *Sandbox) servePublicKey(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		PublicKey string `json:"public_key"`
	}{s.publicKey})
}

func (s *Sandbox) serveVersion(w http.ResponseWriter, r *http.Request) {
	version, err := s.version(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, struct {
		Version string `json:"version"`
	}{version})
}

// fail answers for an error: 404 for what is not there, else 500 and a line in the log.
func (s *Sandbox) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrNotFound) {
		writeProblem(w, http.StatusNotFound, "The sandbox holds no such message.")
		return
	}
	s.log.ErrorContext(r.Context(), "sandbox could not serve a request", "error", err)
	writeProblem(w, http.StatusInternalServerError, "The sandbox cannot reach its database. Try again.")
}

func writeProblem(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, struct {
		Error string `json:"error"`
	}{text})
}

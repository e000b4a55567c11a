package sandbox

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/dsl"
)

const (
	twilioVersion   = "2010-04-01"
	maxFormBytes    = 1 << 20
	twilioDate      = time.RFC1123Z // RFC 2822, as in "Fri, 24 May 2019 17:18:27 +0000"
	sidLength       = 34
	twilioPageLimit = 1000
	twilioPageSize  = 50
)

// textResource is Twilio's Message resource.
type textResource struct {
	AccountSID          string            `json:"account_sid"`
	APIVersion          string            `json:"api_version"`
	Body                string            `json:"body"`
	DateCreated         string            `json:"date_created"`
	DateSent            *string           `json:"date_sent"`
	DateUpdated         string            `json:"date_updated"`
	Direction           string            `json:"direction"`
	ErrorCode           *int              `json:"error_code"`
	ErrorMessage        *string           `json:"error_message"`
	From                string            `json:"from"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	NumMedia            string            `json:"num_media"`
	NumSegments         string            `json:"num_segments"`
	Price               *string           `json:"price"`
	PriceUnit           *string           `json:"price_unit"`
	SID                 string            `json:"sid"`
	Status              string            `json:"status"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
	To                  string            `json:"to"`
	URI                 string            `json:"uri"`
}

// sendText is POST /2010-04-01/Accounts/{account}/Messages.json.
func (s *Sandbox) sendText(w http.ResponseWriter, r *http.Request) {
	if !s.admitTwilio(w, r) {
		return
	}
	form, refused := readForm(w, r)
	if refused == nil {
		var err error
		if refused, err = s.checkText(r.Context(), form); err != nil {
			s.failTwilio(w, r, err)
			return
		}
	}
	if refused != nil {
		answerTwilio(w, refused)
		return
	}
	fate := s.faults.draw(Twilio)
	switch fate.refuse {
	case 0:
	case http.StatusTooManyRequests:
		answerTwilio(w, newTwilioError(fate.refuse, codeTooManyRequests, "Too Many Requests"))
		return
	default:
		answerTwilio(w, newTwilioError(fate.refuse, codeInternal, "An internal server error has occurred"))
		return
	}
	m, err := s.newText(form)
	if err == nil {
		err = s.accept(r.Context(), draft{message: m, webhooks: s.statusCallbacks(m, fate.bounce)})
	}
	if err != nil {
		s.failTwilio(w, r, err)
		return
	}
	if !fate.afterwards(r) {
		answerTwilio(w, newTwilioError(http.StatusInternalServerError, codeInternal, "An internal server error has occurred"))
		return
	}
	writeJSON(w, http.StatusCreated, s.textResource(m))
}

// getText is GET /2010-04-01/Accounts/{account}/Messages/{file}, where file is the sid and .json.
func (s *Sandbox) getText(w http.ResponseWriter, r *http.Request) {
	if !s.admitTwilio(w, r) {
		return
	}
	sid, ok := strings.CutSuffix(r.PathValue("file"), ".json")
	m, err := s.Message(r.Context(), sid)
	if !ok || errors.Is(err, ErrNotFound) || (err == nil && m.Provider != Twilio) {
		answerTwilio(w, notFound(r))
		return
	}
	if err != nil {
		s.failTwilio(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, s.textResource(m))
}

// admitTwilio checks the credentials and the account in the path, and answers when they are wrong.
func (s *Sandbox) admitTwilio(w http.ResponseWriter, r *http.Request) bool {
	account, token, _ := r.BasicAuth()
	known := subtle.ConstantTimeCompare([]byte(account), []byte(s.config.AccountSID)) &
		subtle.ConstantTimeCompare([]byte(token), []byte(s.config.AuthToken))
	if known != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
		answerTwilio(w, newTwilioError(http.StatusUnauthorized, codeAuthenticate, "Authenticate"))
		return false
	}
	if r.PathValue("account") != s.config.AccountSID {
		answerTwilio(w, notFound(r))
		return false
	}
	return true
}

// readForm reads the parameters. Like Twilio it finds none in a body that is not a form.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *twilioError) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return url.Values{}, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		return nil, invalid(http.StatusBadRequest, "The request's form cannot be read")
	}
	form := url.Values{}
	for name, values := range r.PostForm {
		for _, value := range values {
			form.Add(name, withoutNUL(value))
		}
	}
	return form, nil
}

func (s *Sandbox) newText(form url.Values) (Message, error) {
	raw, err := json.Marshal(form)
	if err != nil {
		return Message{}, err
	}
	sid, at := newSID("SM"), s.now()
	segments, _ := dsl.SMSSegments(form.Get("Body"))
	media := len(form["MediaUrl"])
	if media > 0 {
		sid = newSID("MM")
	}
	return Message{
		ID: sid, RequestID: sid, Provider: Twilio, Direction: Outbound, Status: "queued",
		From: form.Get("From"), To: form.Get("To"), Text: form.Get("Body"), Media: media, Raw: raw,
		Callback: form.Get("StatusCallback"), Reference: callbackReference(form.Get("StatusCallback")),
		Segments: segments, AcceptedAt: at, UpdatedAt: at,
	}, nil
}

// callbackReference finds the sender's own id in a status callback's URL: the query's rapport_message, message or id, else the
// path's last part when it comes after "status".
func callbackReference(callback string) string {
	u, err := url.Parse(callback)
	if err != nil {
		return ""
	}
	for _, name := range []string{referenceArg, "message", "id"} {
		if value := u.Query().Get(name); value != "" {
			return value
		}
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if i := slices.Index(parts, "status"); i >= 0 && i < len(parts)-1 {
		return parts[len(parts)-1]
	}
	return ""
}

// ignoredParameters lists what a request carried that Twilio does not know.
func ignoredParameters(raw json.RawMessage) []string {
	var form map[string][]string
	if err := json.Unmarshal(raw, &form); err != nil {
		return nil // a text that the phone wrote has no request
	}
	var ignored []string
	for _, name := range sortedKeys(form) {
		if !slices.Contains(textParameters(), name) {
			ignored = append(ignored, name)
		}
	}
	return ignored
}

func (s *Sandbox) textResource(m Message) textResource {
	uri := "/" + twilioVersion + "/Accounts/" + s.config.AccountSID + "/Messages/" + m.ID
	resource := textResource{
		AccountSID: s.config.AccountSID, APIVersion: twilioVersion, Body: m.Text,
		DateCreated: m.AcceptedAt.UTC().Format(twilioDate), DateUpdated: m.UpdatedAt.UTC().Format(twilioDate),
		Direction: twilioDirection(m.Direction), From: m.From, To: m.To, SID: m.ID, Status: m.Status,
		NumMedia: strconv.Itoa(m.Media), NumSegments: strconv.Itoa(max(m.Segments, 1)),
		URI: uri + ".json", SubresourceURIs: map[string]string{"media": uri + "/Media.json"},
	}
	if m.SentAt != nil {
		sent := m.SentAt.UTC().Format(twilioDate)
		resource.DateSent = &sent
	}
	if m.ErrorCode != 0 {
		reason := undeliveredReason(m.ErrorCode)
		resource.ErrorCode, resource.ErrorMessage = &m.ErrorCode, &reason
	}
	return resource
}

func twilioDirection(d Direction) string {
	switch d {
	case Inbound:
		return "inbound"
	case Auto:
		return "outbound-reply"
	case Outbound:
	}
	return "outbound-api"
}

func undeliveredReason(code int) string {
	if code == codeUnknownDestination {
		return "Unknown destination handset"
	}
	return "Unreachable destination handset"
}

// newSID makes a Twilio id: two letters and 32 hex digits.
func newSID(prefix string) string {
	id := make([]byte, (sidLength-len(prefix))/2)
	_, _ = rand.Read(id) // never fails: crypto/rand crashes the program instead
	return prefix + hex.EncodeToString(id)
}

func notFound(r *http.Request) *twilioError {
	return newTwilioError(http.StatusNotFound, codeNotFound, "The requested resource %s was not found", r.URL.Path)
}

func (s *Sandbox) failTwilio(w http.ResponseWriter, r *http.Request, err error) {
	s.log.ErrorContext(r.Context(), "sandbox could not serve a Twilio request", "error", err)
	answerTwilio(w, newTwilioError(http.StatusInternalServerError, codeInternal, "An internal server error has occurred"))
}

func answerTwilio(w http.ResponseWriter, e *twilioError) { writeJSON(w, e.Status, e) }

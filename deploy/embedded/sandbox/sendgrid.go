package sandbox

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// referenceArg is the custom argument in which Rapport carries the id of a message in its ledger.
const referenceArg = "rapport_message"

// When the two automatic events follow an accepted mail, in real time.
const (
	processedAfter = 100 * time.Millisecond
	deliveredAfter = 500 * time.Millisecond
)

// sendMail is POST /v3/mail/send.
func (s *Sandbox) sendMail(w http.ResponseWriter, r *http.Request) {
	if status, problem := s.admitMail(r); status != 0 {
		answerMail(w, status, requestError(problem))
		return
	}
	body, err := readMail(w, r)
	if err != nil {
		answerMail(w, http.StatusRequestEntityTooLarge, requestError("PAYLOAD TOO LARGE: the request exceeds 30 MB"))
		return
	}
	request, problems := decodeMail(body)
	if len(problems) == 0 {
		problems = checkMail(request, s.now())
	}
	if len(problems) > 0 {
		answerMail(w, http.StatusBadRequest, problems...)
		return
	}
	if request.MailSettings.SandboxMode.Enable {
		w.WriteHeader(http.StatusOK) // SendGrid's own sandbox mode: valid, and nothing more happens
		return
	}
	fate := s.faults.draw(SendGrid)
	if fate.refuse != 0 {
		answerMail(w, fate.refuse, requestError(strings.ToLower(http.StatusText(fate.refuse))))
		return
	}
	id := newRequestID()
	drafts, err := s.mailDrafts(r.Context(), id, request, body, fate.bounce)
	if err == nil {
		err = s.accept(r.Context(), drafts...)
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "sandbox could not keep a mail", "error", err)
		answerMail(w, http.StatusInternalServerError, requestError("internal server error"))
		return
	}
	if !fate.afterwards(r) {
		answerMail(w, http.StatusInternalServerError, requestError("internal server error"))
		return
	}
	w.Header().Set("X-Message-Id", id)
	w.WriteHeader(http.StatusAccepted)
}

// admitMail checks the key and the content type. It returns the status to refuse with, or 0.
func (s *Sandbox) admitMail(r *http.Request) (status int, problem string) {
	if status, problem = s.authorized(r); status != 0 {
		return status, problem
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return http.StatusUnsupportedMediaType, "Content-Type should be application/json."
	}
	return 0, ""
}

// authorized checks a request's key.
func (s *Sandbox) authorized(r *http.Request) (status int, problem string) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case r.Header.Get("Authorization") == "":
		return http.StatusUnauthorized, "Permission denied, wrong credentials"
	case !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare([]byte(key), []byte(s.config.APIKey)) != 1:
		return http.StatusUnauthorized, "The provided authorization grant is invalid, expired, or revoked"
	}
	return 0, ""
}

// readMail reads a body of at most 30 MB, unpacked when it came compressed.
func readMail(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxMailBytes)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("unpack request: %w", err)
		}
		body = io.LimitReader(unpacked, maxMailBytes+1)
	}
	data, err := io.ReadAll(body)
	if err == nil && len(data) > maxMailBytes {
		err = fmt.Errorf("request exceeds %d bytes", maxMailBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return data, nil
}

func answerMail(w http.ResponseWriter, status int, problems ...mailError) {
	if status == http.StatusTooManyRequests {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, struct {
		Errors []mailError `json:"errors"`
	}{problems})
}

// mailDrafts makes one message for each recipient, with the events that follow by themselves.
func (s *Sandbox) mailDrafts(ctx context.Context, id string, request *mailRequest, raw []byte, bounce bool) ([]draft, error) {
	var drafts []draft
	for _, p := range request.Personalizations {
		shared := s.sharedMail(id, request, p)
		shared.Raw = raw
		for _, group := range p.groups() {
			for _, recipient := range group.list {
				m := shared
				m.ID = fmt.Sprintf("%s.recvd-sandbox-%d", id, len(drafts))
				m.To, m.ToName, m.Copy = recipient.Email, recipient.Name, group.name
				drafts = append(drafts, draft{message: m})
			}
		}
	}
	recipients := make([]string, len(drafts))
	for i, d := range drafts {
		recipients[i] = d.message.To
	}
	dropped, err := s.suppressions(ctx, SendGrid, "", recipients...)
	if err != nil {
		return nil, err
	}
	for i := range drafts {
		d := &drafts[i]
		d.webhooks, err = s.automaticEvents(d.message, dropped[strings.ToLower(d.message.To)], bounce)
		if err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// sharedMail is what all recipients of a personalization have in common.
func (s *Sandbox) sharedMail(id string, request *mailRequest, p personalization) Message {
	at := s.now()
	m := Message{
		sendIn:    max(0, time.Unix(max(p.SendAt, request.SendAt), 0).Sub(at)),
		RequestID: id, Provider: SendGrid, Direction: Outbound, Status: "accepted", AcceptedAt: at, UpdatedAt: at,
		From: request.From.Email, FromName: request.From.Name, Subject: request.Subject,
		Headers: merged(request.Headers, p.Headers), CustomArgs: merged(request.CustomArgs, p.CustomArgs),
		Categories: request.Categories,
	}
	if p.From != nil {
		m.From, m.FromName = p.From.Email, p.From.Name
	}
	if p.Subject != "" {
		m.Subject = p.Subject
	}
	switch {
	case request.ReplyTo != nil:
		m.ReplyTo = request.ReplyTo.Email
	case len(request.ReplyToList) > 0:
		m.ReplyTo = request.ReplyToList[0].Email
	}
	for _, part := range request.Content {
		switch strings.ToLower(part.Type) {
		case "text/plain":
			m.Text = part.Value
		case "text/html":
			m.HTML = part.Value
		}
	}
	m.substitute(p.Substitutions)
	m.Reference = m.CustomArgs[referenceArg]
	m.MessageID = m.header("Message-ID")
	if m.MessageID == "" {
		m.MessageID = "<" + id + "@geopod-sandbox>"
	}
	return m
}

// substitute replaces the keys of a personalization's substitutions, SendGrid's older kind of template.
func (m *Message) substitute(values map[string]string) {
	if len(values) == 0 {
		return
	}
	var pairs []string
	for _, key := range sortedKeys(values) {
		if key != "" {
			pairs = append(pairs, key, values[key])
		}
	}
	replacer := strings.NewReplacer(pairs...)
	m.Subject, m.Text, m.HTML = replacer.Replace(m.Subject), replacer.Replace(m.Text), replacer.Replace(m.HTML)
}

// header returns a custom header by name in any case.
func (m *Message) header(name string) string {
	for key, value := range m.Headers {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// newRequestID makes an X-Message-Id: 22 characters, as SendGrid's are.
func newRequestID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails: crypto/rand crashes the program instead
	return base64.RawURLEncoding.EncodeToString(id)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) //nolint:errchkjson // the only error left is a reader that went away
}

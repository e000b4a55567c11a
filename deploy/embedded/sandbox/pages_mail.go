package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	pageLength  = 50
	maxReply    = 100_000
	oneClickArg = "List-Unsubscribe=One-Click" // RFC 8058 section 3.1
)

var errNoSuchLink = errors.New("the mail has no such link")

type inboxData struct {
	page
	Messages []Message
	Older    string
}

// inboxPage is GET /?q=&show=mail|texts&before=: what candidates received, newest first.
func (s *Sandbox) inboxPage(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	filter := Filter{Newest: true, Limit: pageLength + 1, Search: strings.TrimSpace(query.Get("q"))}
	tab := query.Get("show")
	switch tab {
	case "mail":
		filter.Provider = SendGrid
	case "texts":
		filter.Provider = Twilio
	default:
		tab = "all"
	}
	filter.before, _ = strconv.ParseInt(query.Get("before"), 10, 64) // anything else means from the newest
	frame, err := s.frame(r, "Inbox", tab)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data := inboxData{page: frame}
	if data.Messages, err = s.Messages(r.Context(), filter); err != nil {
		s.fail(w, r, err)
		return
	}
	if len(data.Messages) > pageLength {
		data.Messages = data.Messages[:pageLength]
		query.Set("before", strconv.FormatInt(data.Messages[pageLength-1].Seq, 10))
		data.Older = "/?" + query.Encode()
	}
	s.show(w, r, "inbox", data)
}

type mailData struct {
	page
	Mail       Message
	Files      []attachment
	Invitation *invitationPart
	Links      []link
	Replies    []Message
	History    []happening
	Suppressed string
	OneClick   string
}

// mailPage is GET /mails/{id}: one mail with its buttons and its history.
func (s *Sandbox) mailPage(w http.ResponseWriter, r *http.Request) {
	data, err := s.loadMail(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, "mail", data)
}

func (s *Sandbox) loadMail(r *http.Request) (data mailData, err error) {
	ctx := r.Context()
	if data.Mail, err = s.mail(ctx, r.PathValue("id")); err != nil {
		return data, err
	}
	if data.page, err = s.frame(r, data.Mail.Subject, "mail"); err != nil {
		return data, err
	}
	c := &conditions{}
	c.add("parent = ?", data.Mail.Seq)
	if data.Replies, err = s.selectMessages(ctx, c, " order by seq"); err != nil {
		return data, err
	}
	related := []int64{data.Mail.Seq}
	for _, reply := range data.Replies {
		related = append(related, reply.Seq)
	}
	if data.History, err = s.history(ctx, related...); err != nil {
		return data, err
	}
	for i, h := range data.History {
		if h.Target == string(targetSendGridInbound) {
			data.History[i].Event = "reply"
		}
	}
	if data.Files, err = data.Mail.files(); err != nil {
		return data, err
	}
	data.Invitation = data.Mail.invitation()
	data.Links, data.OneClick = data.Mail.links(), data.Mail.oneClickURL()
	data.Suppressed, err = s.suppression(ctx, SendGrid, "", data.Mail.To)
	return data, err
}

// mail returns a mail that Rapport sent. It fails with ErrNotFound.
func (s *Sandbox) mail(ctx context.Context, id string) (Message, error) {
	m, err := s.Message(ctx, id)
	if err == nil && (m.Provider != SendGrid || m.Direction != Outbound) {
		return Message{}, ErrNotFound
	}
	return m, err
}

// mailBody is GET /mails/{id}/body: the HTML as the sender wrote it, for the frame on the mail's page.
func (s *Sandbox) mailBody(w http.ResponseWriter, r *http.Request) {
	m, err := s.mail(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", bodyPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write([]byte(withBase(m.HTML))) // foreign HTML: the policy above takes its teeth
}

// mailFile is GET /mails/{id}/files/{n}: an attachment, to be kept and never shown, counted from 0.
func (s *Sandbox) mailFile(w http.ResponseWriter, r *http.Request) {
	m, err := s.mail(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	files, err := m.files()
	n, notNumber := strconv.Atoi(r.PathValue("n"))
	if err == nil && (notNumber != nil || n < 0 || n >= len(files)) {
		err = ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": files[n].Filename}))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(files[n].bytes()) //nolint:gosec // a download: browsers neither show nor guess it, by the headers above
}

// actOnMail is POST /mails/{id}/{action}: what a candidate does with a mail.
func (s *Sandbox) actOnMail(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxReply)
	m, err := s.mail(r.Context(), r.PathValue("id"))
	if err == nil {
		err = s.act(r, m, r.PathValue("action"))
	}
	if errors.Is(err, errNoSuchLink) {
		writeProblem(w, http.StatusBadRequest, "The mail has no such link.")
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/mails/"+url.PathEscape(m.ID), http.StatusSeeOther)
}

func (s *Sandbox) act(r *http.Request, m Message, action string) error {
	ctx := r.Context()
	reader := map[string]any{"ip": readerIP, "useragent": readerAgent}
	switch action {
	case "open":
		reader["sg_machine_open"] = false
		return s.read(ctx, m, eventOpen, m.pictures(), reader)
	case "click":
		clicked := r.PostFormValue("url")
		i := slices.IndexFunc(m.links(), func(l link) bool { return l.URL == clicked })
		if i < 0 {
			return errNoSuchLink
		}
		reader["url"] = clicked
		reader["url_offset"] = map[string]any{"index": i, "type": m.bodyKind()}
		return s.read(ctx, m, eventClick, []string{clicked}, reader)
	case "reply":
		if text := strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")); text != "" {
			return s.replyToMail(ctx, m, withoutNUL(text))
		}
		return nil
	case "bounce":
		return s.causeAndSuppress(ctx, m, eventBounce, bounceDetails(), "Bounced Address")
	case "spam":
		return s.causeAndSuppress(ctx, m, eventSpam, nil, "Spam Reporting Address")
	case "unsubscribe":
		if to := m.oneClickURL(); to != "" {
			return s.happen(ctx, m.Seq, webhook{
				target: targetOneClick, event: "one-click unsubscribe", url: to, contentType: formType, payload: []byte(oneClickArg),
			})
		}
		return s.causeAndSuppress(ctx, m, eventUnsubscribe, nil, unsubscribed)
	case "release":
		return s.release(ctx, SendGrid, "", m.To)
	}
	return ErrNotFound
}

// read lets a candidate open a mail or follow a link. SendGrid tells of it unless the mail says that it is not to be tracked;
// what leads to Rapport itself, its own links and pictures, is asked for. Nothing leaves the machine.
func (s *Sandbox) read(ctx context.Context, m Message, event string, addresses []string, details map[string]any) error {
	var told []webhook
	if m.tracked(event) {
		w, err := s.mailEvent(m, event, details)
		if err != nil {
			return err
		}
		told = append(told, w)
	}
	for _, address := range addresses {
		if path, ok := strings.CutPrefix(address, s.config.PublicURL+"/"); ok && s.config.PublicURL != "" {
			told = append(told, webhook{target: targetReader, event: event, url: s.webhookURL("/" + path)})
		}
	}
	if len(told) == 0 { // it happens, and nobody is told
		told = append(told, webhook{target: targetReader, event: event})
	}
	return s.happen(ctx, m.Seq, told...)
}

// tracked tells whether SendGrid tells of opens or clicks of a mail: unless it says no, as the account's settings say yes.
func (m *Message) tracked(event string) bool {
	var request struct {
		Settings map[string]struct {
			Enable *bool `json:"enable"`
		} `json:"tracking_settings"`
	}
	setting := map[string]string{eventOpen: "open_tracking", eventClick: "click_tracking"}[event]
	if err := json.Unmarshal(m.Raw, &request); err != nil { // it was read before
		return true
	}
	enable := request.Settings[setting].Enable
	return enable == nil || *enable
}

// cause lets an event happen to a mail now.
func (s *Sandbox) cause(ctx context.Context, m Message, event string, details map[string]any) error {
	w, err := s.mailEvent(m, event, details)
	if err != nil {
		return err
	}
	return s.happen(ctx, m.Seq, w)
}

// causeAndSuppress does the same with an event after which SendGrid drops further mail to the address.
func (s *Sandbox) causeAndSuppress(ctx context.Context, m Message, event string, details map[string]any, reason string) error {
	if err := s.suppress(ctx, SendGrid, "", m.To, reason); err != nil {
		return err
	}
	return s.cause(ctx, m, event, details)
}

// bodyKind is the part of the mail that a reader sees.
func (m *Message) bodyKind() string {
	if m.HTML != "" {
		return "html"
	}
	return "text"
}

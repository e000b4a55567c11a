package smtp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	stdmime "mime"
	"mime/multipart"
	"mime/quotedprintable"
	stdmail "net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"
	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

// full is a mail with everything that is hard to write down: long lines, long headers, names that need quotes or encoding.
func full() crm.Outgoing {
	out := outgoing()
	out.From = (&stdmail.Address{Name: "Zoë Lee, RN via North Trust", Address: "careers@trust.example"}).String()
	out.ReplyTo = (&stdmail.Address{Name: "Zoë Lee, RN", Address: "reply+" + messageID + "@reply.trust.example"}).String()
	out.ToName = "Siân \"Sunny\" O'Neil, 株式会社"
	out.Subject = strings.Repeat("Diolch yn fawr, Siân – a wnewch chi ddod? ", 5) + "🏥"
	out.Text = "Annwyl Siân,\n.\n..\nFrom here on: " + strings.Repeat("gair ", 600) + "\n"
	out.HTML = "<p>" + strings.Repeat("<b>llinell hir iawn</b> ŵ ", 2_000) + "</p>\n"
	var thread []string
	for i := range 10 {
		thread = append(thread, fmt.Sprintf("<msg_%026d@a-rather-long-domain-name.trust.example>", i))
	}
	out.Headers["References"], out.Headers["In-Reply-To"] = strings.Join(thread, " "), thread[9]
	out.Headers["List-Unsubscribe"] = "<https://rapport.trust.example/u/" + strings.Repeat("a1", 120) + ">"
	out.Headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	out.Attachments = []crm.Attachment{
		{Name: "Gwahoddiad cyfarfod – dydd Llun.ics", ContentType: "text/calendar; method=REQUEST", Content: []byte("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n")},
		{Name: "map.pdf", ContentType: "application/pdf", Content: bytes.Repeat([]byte{0, 255, '\r', '\n', '.'}, 5_000)},
	}
	return out
}

// delivered sends a mail and returns what the relay was given.
func delivered(t *testing.T, out crm.Outgoing) []byte {
	t.Helper()
	r := &relay{}
	r.start(t, false, true)
	if _, err := r.client(t, "smtp", "").Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	return r.all()[0].content
}

var msgID = regexp.MustCompile(`^<[a-z0-9_]+@[a-z0-9.-]+>$`) // a dot-atom on both sides (RFC 5322, 3.6.4), as far as ours go

// Headers as RFC 5322, 2047, 2369 and 8058 want them.
func TestHeaders(t *testing.T) {
	t.Parallel()
	content := delivered(t, full())
	if n := bareLineEnds(content); n > 0 {
		t.Errorf("%d bare line ends", n)
	}
	head, _, _ := bytes.Cut(content, []byte("\r\n\r\n"))
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if len(line) > 998 || strings.TrimSpace(line) == "" || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r < 32 && r != '\t' }) {
			t.Errorf("a header line of %d characters: %q", len(line), line)
		}
	}
	mail, err := stdmail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	out := full()
	for name, values := range mail.Header {
		if len(values) != 1 {
			t.Errorf("%d headers %s", len(values), name)
		}
	}
	for name, want := range map[string]string{
		"From": out.From, "Reply-To": out.ReplyTo, "To": (&stdmail.Address{Name: out.ToName, Address: out.To}).String(),
	} {
		list, err := mail.Header.AddressList(name)
		if err != nil || len(list) != 1 || list[0].String() != want {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	if subject, err := new(stdmime.WordDecoder).DecodeHeader(mail.Header.Get("Subject")); err != nil || subject != out.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	if date, err := mail.Header.Date(); err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("date %v, %v", date, err)
	}
	got := map[string]string{}
	for name := range out.Headers {
		got[name] = mail.Header.Get(name)
	}
	if diff := cmp.Diff(out.Headers, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"Message-ID", "In-Reply-To", "References"} {
		for id := range strings.FieldsSeq(mail.Header.Get(name)) {
			if !msgID.MatchString(id) {
				t.Errorf("%s: %q", name, id)
			}
		}
	}
	if mail.Header.Get("Mime-Version") != "1.0" || mail.Header.Get("X-Mailer") != "" || mail.Header.Get("User-Agent") != "" {
		t.Errorf("headers %v", mail.Header)
	}
}

// Bodies as RFC 2045 and 2046 want them: what is read is what was written, in lines that every server passes on.
func TestBodies(t *testing.T) {
	t.Parallel()
	content := delivered(t, full())
	for line := range bytes.SplitSeq(content, []byte("\r\n")) {
		header := bytes.HasPrefix(line, []byte("Content-")) || bytes.Contains(line, []byte("//rapport.trust.example/u/")) // one word each
		if len(line) > 78 && !header {
			t.Errorf("a line of %d characters: %q", len(line), line)
		}
	}
	entity, err := message.Read(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	parts := map[string][]byte{}
	err = entity.Walk(func(path []int, e *message.Entity, err error) error {
		if err != nil {
			return err
		}
		kind, parameters, err := e.Header.ContentType()
		if err != nil {
			return err
		}
		if method := parameters["method"]; method != "" {
			kind += "; method=" + method
		}
		kinds = append(kinds, strings.Repeat(" ", len(path))+kind)
		if strings.HasPrefix(kind, "multipart/") {
			return nil
		}
		if strings.HasPrefix(kind, "text/") && !strings.EqualFold(parameters["charset"], "utf-8") {
			t.Errorf("%s has the charset %q", kind, parameters["charset"])
		}
		parts[kind], err = io.ReadAll(e.Body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"multipart/mixed", " multipart/alternative", "  text/plain", "  text/html", "  text/calendar; method=REQUEST", " application/ics", " application/pdf"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("parts: %s", diff)
	}
	out := full()
	lines := strings.NewReplacer("\r\n", "\n")
	for kind, want := range map[string]string{
		"text/plain": out.Text, "text/html": out.HTML, "text/calendar; method=REQUEST": string(out.Attachments[0].Content),
		"application/ics": string(out.Attachments[0].Content), "application/pdf": string(out.Attachments[1].Content),
	} {
		got := string(parts[kind])
		if strings.HasPrefix(kind, "text/") {
			got, want = lines.Replace(got), lines.Replace(want)
		}
		if got != want {
			t.Errorf("%s differs:\n%s", kind, cmp.Diff(want, got))
		}
	}
}

// The simplest mail is one in two ways, and one without HTML is just a text.
func TestBodiesWithoutFiles(t *testing.T) {
	t.Parallel()
	mail, err := stdmail.ReadMessage(bytes.NewReader(delivered(t, outgoing())))
	if err != nil {
		t.Fatal(err)
	}
	kind, parameters, err := stdmime.ParseMediaType(mail.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%q, %v", kind, err)
	}
	var bodies []string
	for parts := multipart.NewReader(mail.Body, parameters["boundary"]); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, strings.TrimSpace(string(body)))
	}
	if diff := cmp.Diff([]string{"Hi", "<p>Hi</p>"}, bodies); diff != "" {
		t.Error(diff)
	}

	out := outgoing()
	out.HTML, out.Text = "", "naïve\n"
	if mail, err = stdmail.ReadMessage(bytes.NewReader(delivered(t, out))); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(mail.Body))
	if err != nil || strings.TrimSpace(string(body)) != "naïve" || !strings.HasPrefix(mail.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%q, %v, %v", body, mail.Header, err)
	}
}

// Nothing that a template or a candidate says becomes a header.
func TestNothingBecomesAHeader(t *testing.T) {
	t.Parallel()
	out := outgoing()
	out.Subject, out.ToName = "Hi\r\nBcc: x@evil.example", "Sarah\r\nBcc: x@evil.example"
	content := delivered(t, out)
	mail, err := stdmail.ReadMessage(bytes.NewReader(content))
	if err != nil || mail.Header.Get("Bcc") != "" || bareLineEnds(content) > 0 {
		t.Errorf("%v\n%s", err, content)
	}
	r := &relay{}
	r.start(t, false, true)
	for name, broken := range map[string]func(*crm.Outgoing){
		"header": func(o *crm.Outgoing) { o.Headers["X-A"] = "a\r\nBcc: x@evil.example" }, "recipient": func(o *crm.Outgoing) { o.To = "a@b.example>\r\nRCPT TO:<x@evil.example" },
		"two recipients": func(o *crm.Outgoing) { o.To = "a@b.example, x@evil.example" }, "sender": func(o *crm.Outgoing) { o.From = "" },
		"reply": func(o *crm.Outgoing) { o.ReplyTo = "x" }, "return path": func(o *crm.Outgoing) { o.ReturnPath = "x" }, "body": func(o *crm.Outgoing) { o.Text, o.HTML = "", "" },
	} {
		out := outgoing()
		broken(&out)
		if _, err := r.client(t, "smtp", "").Send(t.Context(), out); err == nil || !strings.Contains(err.Error(), "invalid_message") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.all()) > 0 {
		t.Error("the relay was given a mail")
	}
}

package smtp_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/smtp"
	"github.com/rapport-crm/rapport/crm"
)

const messageID = "msg_06cq3v9k7rk1bn2c5x0e8m4t2g"

func outgoing() crm.Outgoing {
	return crm.Outgoing{
		MessageID: messageID, Channel: crm.Email, To: "sarah@example.org", ToName: "Sarah", From: "North Trust Careers <careers@trust.example>",
		Subject: "Thank you", HTML: "<p>Hi</p>", Text: "Hi\n", Headers: map[string]string{"Message-ID": "<" + messageID + "@trust.example>"},
	}
}

func TestSendEncryptsAndSignsIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scheme, query      string
		implicit, starttls bool
	}{
		"STARTTLS":     {"smtp", "", false, true},
		"implicit TLS": {"smtps", "", true, false},
		"optional":     {"smtp", "?tls=optional", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &relay{}
			r.start(t, c.implicit, c.starttls)
			receipt, err := r.client(t, c.scheme, c.query).Send(t.Context(), outgoing())
			if err != nil || receipt != (crm.Receipt{Provider: "smtp", ProviderID: messageID + "@trust.example"}) {
				t.Fatalf("got %+v, %v", receipt, err)
			}
			mails := r.all()
			if len(mails) != 1 || !mails[0].encoded || !mails[0].signedIn || mails[0].from != "careers@trust.example" || mails[0].to != "sarah@example.org" {
				t.Errorf("the relay got %+v", mails)
			}
		})
	}
}

func TestBouncesGoToTheReturnPath(t *testing.T) {
	t.Parallel()
	r := &relay{}
	r.start(t, false, true)
	out := outgoing()
	out.ReturnPath = "reply+" + messageID + "@reply.trust.example"
	if _, err := r.client(t, "smtp", "").Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if got := r.all()[0]; got.from != out.ReturnPath || !strings.Contains(string(got.content), "<careers@trust.example>") {
		t.Errorf("from %q:\n%s", got.from, got.content)
	}
}

func TestManyMailsShareConnections(t *testing.T) {
	t.Parallel()
	r := &relay{}
	r.start(t, false, true)
	c := r.client(t, "smtp", "")
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := c.Send(t.Context(), outgoing()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.mails) != 40 || r.sessions > 2*8 { // STARTTLS begins a session anew
		t.Errorf("%d mails in %d sessions", len(r.mails), r.sessions)
	}
}

// What a server answers, and where it breaks off, says whether a mail may be sent again.
func TestFailuresAreClassified(t *testing.T) {
	t.Parallel()
	answer := func(code int, status ...int) *gosmtp.SMTPError {
		e := &gosmtp.SMTPError{Code: code, Message: "no, says sarah@example.org", EnhancedCode: gosmtp.NoEnhancedCode}
		if len(status) == 3 {
			e.EnhancedCode = gosmtp.EnhancedCode{status[0], status[1], status[2]}
		}
		return e
	}
	type failure struct {
		Class   crm.SendClass
		Code    string
		Account bool
	}
	for name, c := range map[string]struct {
		relay *relay
		taken int // by the relay, whatever it says
		want  failure
	}{
		"sender greylisted":        {&relay{from: answer(451, 4, 7, 1)}, 0, failure{crm.SendRetry, "smtp_451_4.7.1", false}},
		"sender not allowed":       {&relay{from: answer(553, 5, 7, 1)}, 0, failure{crm.SendRetry, "smtp_553_5.7.1", true}},
		"too large":                {&relay{from: answer(552, 5, 3, 4)}, 0, failure{crm.SendRefused, "smtp_552_5.3.4", false}},
		"closing":                  {&relay{rcpt: answer(421, 4, 3, 2)}, 0, failure{crm.SendRetry, "smtp_421_4.3.2", true}},
		"mailbox busy":             {&relay{rcpt: answer(450, 4, 2, 1)}, 0, failure{crm.SendRetry, "smtp_450_4.2.1", false}},
		"no such mailbox":          {&relay{rcpt: answer(550, 5, 1, 1)}, 0, failure{crm.SendSuppress, "smtp_550_5.1.1", false}},
		"a domain without mail":    {&relay{rcpt: answer(556, 5, 1, 10)}, 0, failure{crm.SendSuppress, "smtp_556_5.1.10", false}},
		"no reason":                {&relay{rcpt: answer(550)}, 0, failure{crm.SendRefused, "smtp_550", false}},
		"mailbox full":             {&relay{rcpt: answer(552, 5, 2, 2)}, 0, failure{crm.SendRefused, "smtp_552_5.2.2", false}},
		"content later":            {&relay{data: answer(451, 4, 3, 0)}, 0, failure{crm.SendRetry, "smtp_451_4.3.0", false}},
		"content refused":          {&relay{data: answer(554, 5, 7, 1)}, 0, failure{crm.SendRefused, "smtp_554_5.7.1", false}},
		"no mailbox after content": {&relay{data: answer(550, 5, 1, 1)}, 0, failure{crm.SendRefused, "smtp_550_5.1.1", false}},
		"hangs up at once":         {&relay{hangUp: "greeting"}, 0, failure{crm.SendRetry, "connection", false}},
		"hangs up at RCPT":         {&relay{hangUp: "rcpt"}, 0, failure{crm.SendRetry, "connection", false}},
		"takes it and hangs up":    {&relay{hangUp: "dot"}, 1, failure{crm.SendUnknown, "no_answer", false}},
		"takes it and is silent":   {&relay{silent: true}, 1, failure{crm.SendUnknown, "no_answer", false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.relay.start(t, false, true)
			_, err := c.relay.client(t, "smtp", "").Send(t.Context(), outgoing())
			var got *crm.SendError
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(c.want, failure{got.Class, got.Code, got.Account}); diff != "" {
				t.Errorf("%v: %s", err, diff)
			}
			if strings.Contains(err.Error(), "sarah") {
				t.Errorf("the error names the recipient: %v", err)
			}
			if n := len(c.relay.all()); n != c.taken {
				t.Errorf("the relay took %d mails", n)
			}
		})
	}
}

// A mail is never sent again by the client itself, and a connection that broke is not used again.
func TestABrokenConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	r := &relay{}
	r.start(t, false, true)
	c := r.client(t, "smtp", "")
	for i, hangUp := range []string{"", "dot", ""} {
		r.hangUp = hangUp
		_, err := c.Send(t.Context(), outgoing())
		if (err != nil) != (hangUp != "") || len(r.all()) != i+1 {
			t.Fatalf("mail %d: %v, the relay has %d", i, err, len(r.all()))
		}
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	signIn := &relay{}
	signIn.start(t, false, true)
	plain := &relay{}
	plain.start(t, false, false)
	nobody := &relay{address: "127.0.0.1:1"}
	for name, c := range map[string]struct {
		relay  *relay
		config smtp.Config
		code   string
		pause  bool
	}{
		"wrong password":    {signIn, smtp.Config{URL: "smtp://mailer%40trust.example@", Password: "wrong"}, "smtp_535", true},
		"unknown authority": {&relay{address: signIn.address}, smtp.Config{URL: "smtp://"}, "settings", true},
		"no STARTTLS":       {plain, smtp.Config{URL: "smtp://"}, "settings", true},
		"nobody there":      {nobody, smtp.Config{URL: "smtp://"}, "connection", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.config.URL += c.relay.address
			c.config.TLS = c.relay.roots
			client, err := smtp.New(c.config)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Send(t.Context(), outgoing())
			var got *crm.SendError
			if !errors.As(err, &got) || got.Class != crm.SendRetry || got.Code != c.code || (got.RetryAfter > 0) != c.pause || got.Account != c.pause {
				t.Errorf("got %+v", err)
			}
			if len(c.relay.all()) > 0 {
				t.Error("a mail was sent")
			}
		})
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"smtp://mail.trust.example":                  "",
		"smtps://me@mail.trust.example:2465":         "",
		"smtp://127.0.0.1:25?tls=none":               "",
		"smtp://me@localhost?tls=optional":           "",
		"smtp://me@mail.trust.example?tls=none":      "without encryption",
		"smtp://me@mail.trust.example?tls=optional":  "without encryption",
		"smtp://me:secret@mail.trust.example":        "RAPPORT_SMTP_PASSWORD",
		"mail.trust.example:587":                     "not the address of a mail server",
		"smtp:mail.trust.example":                    "not the address of a mail server",
		"smtp://":                                    "not the address of a mail server",
		"smtp://mail.trust.example/inbox":            "not the address of a mail server",
		"http://mail.trust.example":                  `begins with "http"`,
		"smtp://mail.trust.example:99999":            "port",
		"smtp://mail.trust.example?tls=maybe":        "tls=maybe",
		"smtp://mail.trust.example?starttls=no":      `"starttls"`,
		"smtp://mail.trust.example?tls=none&tls=yes": `"tls"`,
	} {
		_, err := smtp.New(smtp.Config{URL: url, Password: "x"})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	if _, err := smtp.New(smtp.Config{URL: "smtp://me@mail.trust.example"}); err == nil || !strings.Contains(err.Error(), "without a password") {
		t.Errorf("got %v", err)
	}
}

package mail_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/mail"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	empty := ""
	for name, tc := range map[string]struct {
		header   string
		envelope mail.Envelope
		want     mail.Kind
	}{
		"a person":                {"Subject: Re: Thank you", mail.Envelope{}, mail.KindPerson},
		"Auto-Submitted":          {"Auto-Submitted: auto-replied; owner-email=x", mail.Envelope{}, mail.KindAutomatic},
		"Auto-Submitted, no":      {"Auto-Submitted: no", mail.Envelope{}, mail.KindPerson},
		"Precedence bulk":         {"Precedence: BULK", mail.Envelope{}, mail.KindAutomatic},
		"Precedence auto_reply":   {"Precedence: auto_reply", mail.Envelope{}, mail.KindAutomatic},
		"Precedence first-class":  {"Precedence: first-class", mail.Envelope{}, mail.KindPerson},
		"X-Auto-Response":         {"X-Auto-Response-Suppress: All", mail.Envelope{}, mail.KindAutomatic},
		"X-Auto-Response, none":   {"X-Auto-Response-Suppress: None", mail.Envelope{}, mail.KindPerson},
		"X-Autoreply":             {"X-Autoreply: yes", mail.Envelope{}, mail.KindAutomatic},
		"null reverse path":       {"Subject: x", mail.Envelope{From: &empty}, mail.KindAutomatic},
		"null path, written out":  {"Subject: x", mail.Envelope{From: new("<>")}, mail.KindAutomatic},
		"read receipt":            {"Content-Type: multipart/report; report-type=disposition-notification; boundary=x\nAuto-Submitted: auto-replied", mail.Envelope{From: &empty}, mail.KindNotice},
		"a report without status": {"Content-Type: multipart/report; report-type=delivery-status; boundary=x", mail.Envelope{}, mail.KindAutomatic},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mail.Compose(&mail.Taken{From: "a@b.example", Header: tc.header}, tc.envelope).Kind; got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestVacationSubjects(t *testing.T) {
	t.Parallel()
	for want, subjects := range map[mail.Kind][]string{
		mail.KindAutomatic: {
			"Automatic reply: Thank you", "Auto-Reply: x", "Autoreply", "Auto response", "Out of Office Re: Thank you", "Out of the office until Monday", "[Out of office] Thank you",
			"OOO: back on 9 Nov", "I am currently out of the office", "On vacation until 9 November", "Annual leave", "Away from my desk",
			"Automatische Antwort: Danke", "Abwesenheitsnotiz", "Abwesend: Danke", "Im Urlaub bis 9.11.", "Nicht im Büro",
			"Réponse automatique : Merci", "Absence du bureau", "Absent du bureau", "Message d'absence", "En congés jusqu'au 9",
			"Respuesta automática: Gracias", "Fuera de la oficina", "Ausente", "Estoy de vacaciones",
			"Automatisch antwoord: Bedankt", "Afwezigheid", "Afwezig tot maandag", "Niet aanwezig", "Op vakantie", "=?utf-8?Q?R=C3=A9ponse_automatique?=",
		},
		mail.KindPerson: {
			"", "Re: Thank you", "Re: Out of office hours?", "Vacation policy?", "On Monday", "Holiday pay", "Automatic weapons instructor", "Leave of absence, a question",
			"Urlaubsregelung", "Antwort", "Absences prévues cet été", "Vacaciones?", "Vakantiedagen", "Office hours",
		},
	} {
		for _, subject := range subjects {
			if got := mail.Compose(&mail.Taken{From: "a@b.example", Subject: subject}, mail.Envelope{}).Kind; got != want {
				t.Errorf("%q is from %s, want %s", subject, got, want)
			}
		}
	}
}

// report is a delivery status notification as a mail server writes it.
func report(status string, more ...string) *mail.Mail {
	lines := []string{"Content-Type: multipart/report; report-type=delivery-status; boundary=b", "", "--b", "", "I could not deliver it.", "--b", "Content-Type: message/delivery-status", "", status}
	lines = append(append(lines, more...), "--b--")
	return wire(lines...)
}

func TestBounces(t *testing.T) {
	t.Parallel()
	const server = "Reporting-MTA: dns; mx.example.org\r\nArrival-Date: Fri, 6 Nov 2026 10:00:00 +0000\r\n\r\n"
	const of = "Original-Recipient: rfc822;Sarah@Example.org\r\nFinal-Recipient: rfc822; s2@other.example\r\n"
	back := []string{"--b", "Content-Type: message/rfc822", "", "From: careers@trust.example", "Message-ID: <msg_1@trust.example>", "Subject: Hi", "", "Hello"}
	headers := []string{"--b", "Content-Type: text/rfc822-headers", "", "Message-Id:", " <msg_1@trust.example>"}
	for name, tc := range map[string]struct {
		mail *mail.Mail
		kind mail.Kind
		want *mail.Bounce
	}{
		"no such user":          {report(server+of+"Action: failed\r\nStatus: 5.1.1", back...), mail.KindBounce, &mail.Bounce{Recipient: "sarah@example.org", Status: "5.1.1", Hard: true, MessageID: "msg_1@trust.example"}},
		"headers came back":     {report(server+of+"Action: Failed\r\nStatus: 5.1.10 (gone)", headers...), mail.KindBounce, &mail.Bounce{Recipient: "sarah@example.org", Status: "5.1.10", Hard: true, MessageID: "msg_1@trust.example"}},
		"gave up":               {report(server + "Final-Recipient: rfc822;a@b.example\r\nAction: failed\r\nStatus: 4.4.7"), mail.KindBounce, &mail.Bounce{Recipient: "a@b.example", Status: "4.4.7"}},
		"mailbox full":          {report(server + of + "Action: failed\r\nStatus: 5.2.2"), mail.KindBounce, &mail.Bounce{Recipient: "sarah@example.org", Status: "5.2.2"}},
		"taken for spam":        {report(server + of + "Action: failed\r\nStatus: 5.7.1"), mail.KindBounce, &mail.Bounce{Recipient: "sarah@example.org", Status: "5.7.1"}},
		"status in the answer":  {report(server + "Action: failed\r\nDiagnostic-Code: smtp; 550-5.1.1 The account does not exist"), mail.KindBounce, &mail.Bounce{Status: "5.1.1", Hard: true}},
		"an answer alone":       {report(server + "Action: failed\r\nDiagnostic-Code: smtp; 550 No such user"), mail.KindBounce, &mail.Bounce{Status: "5.0.0", Hard: true}},
		"no reason":             {report(server + "Action: failed"), mail.KindBounce, &mail.Bounce{}},
		"the second of two":     {report(server + "Action: delivered\r\nStatus: 2.0.0\r\n\r\n" + of + "Action: failed\r\nStatus: 5.1.1"), mail.KindBounce, &mail.Bounce{Recipient: "sarah@example.org", Status: "5.1.1", Hard: true}},
		"late":                  {report(server + of + "Action: delayed\r\nStatus: 4.4.1"), mail.KindNotice, nil},
		"relayed":               {report(server + of + "Action: relayed\r\nStatus: 2.1.9"), mail.KindNotice, nil},
		"a status that is none": {report("hello"), mail.KindNotice, nil},
		"taken apart": {mail.Compose(&mail.Taken{
			From: "mailer-daemon@x.example", Header: "Content-Type: multipart/report; boundary=b; report-type=delivery-status", Text: "no",
			Files: []mail.File{{Attachment: mail.Attachment{Type: "message/delivery-status"}, Content: []byte("Action: failed\nStatus: 5.1.1\n")}},
		}, mail.Envelope{}), mail.KindBounce, &mail.Bounce{Status: "5.1.1", Hard: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.mail.Bounce); diff != "" || tc.mail.Kind != tc.kind {
				t.Errorf("kind %s, want %s (-want +got):\n%s", tc.mail.Kind, tc.kind, diff)
			}
		})
	}
}

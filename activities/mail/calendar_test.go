package mail_test

import (
	"testing"

	"github.com/rapport-crm/rapport/activities/mail"
)

func TestCalendarPart(t *testing.T) {
	t.Parallel()
	const head = "From: ada@north.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nYes.\r\n"
	part := func(header, content string) string {
		return head + "--b\r\n" + header + "\r\n\r\n" + content + "\r\n--b--\r\n"
	}
	for name, tc := range map[string]struct{ raw, want string }{
		"a part":          {part("Content-Type: text/calendar; method=REPLY; charset=utf-8", "BEGIN:X"), "BEGIN:X"},
		"in base64":       {part("Content-Type: text/calendar; method=REPLY\r\nContent-Transfer-Encoding: base64", "QkVHSU46WA=="), "BEGIN:X"},
		"in another code": {part("Content-Type: text/calendar; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable", "COMMENT:M=FCde"), "COMMENT:Müde"},
		"an attachment":   {part("Content-Type: application/ics; name=invite.ics\r\nContent-Disposition: attachment; filename=invite.ics", "BEGIN:X"), "BEGIN:X"},
		"of unknown type": {part("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"Invite.ICS\"", "BEGIN:X"), "BEGIN:X"},
		"another file":    {part("Content-Type: application/pdf; name=a.pdf", "BEGIN:X"), ""},
		"none":            {head + "--b--\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mail.Compose(&mail.Taken{Raw: []byte(tc.raw)}, mail.Envelope{})
			if string(m.Calendar) != tc.want || m.Text != "Yes." {
				t.Errorf("the calendar is %q, and the text %q", m.Calendar, m.Text)
			}
		})
	}
}

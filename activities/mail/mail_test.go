package mail_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/mail"
)

// wire is a mail as it is on the wire: its header, and after an empty line its body.
func wire(lines ...string) *mail.Mail {
	raw := strings.Join(append([]string{"From: Sarah <s@example.org>", "Message-ID: <m@x>"}, lines...), "\r\n")
	return mail.Compose(&mail.Taken{Raw: []byte(raw)}, mail.Envelope{})
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lines   []string
		want    string
		damaged bool
	}{
		"plain":                {[]string{"", "Yes."}, "Yes.", false},
		"latin 1, quoted":      {[]string{"Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: quoted-printable", "", "sch=F6n, wirk=\r\nlich"}, "schön, wirklich", false},
		"windows 1252":         {[]string{"Content-Type: text/plain; charset=windows-1252", "", "it\x92s 5 \x80"}, "it’s 5 €", false},
		"shift_jis":            {[]string{"Content-Type: text/plain; charset=Shift_JIS", "", "\x82\xcd\x82\xa2"}, "はい", false},
		"koi8-r":               {[]string{"Content-Type: text/plain; charset=koi8-r", "", "\xc4\xc1"}, "да", false},
		"utf-8, bad bytes":     {[]string{"Content-Type: text/plain; charset=utf-8", "", "a\xffb\x00c"}, "a\ufffdbc", false},
		"no charset, not utf8": {[]string{"", "gr\xfcn"}, "grün", false},
		"unknown charset":      {[]string{"Content-Type: text/plain; charset=klingon", "", "Qapla’"}, "Qapla’", false},
		"base64":               {[]string{"Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "", "WWVz\r\nLiBJ IGNhbi4="}, "Yes. I can.", false},
		"base64, cut off":      {[]string{"Content-Type: text/plain", "Content-Transfer-Encoding: base64", "", "WWVzLiBJ\r\nI"}, "Yes. I", true},
		"flowed": {
			[]string{"Content-Type: text/plain; format=flowed", "", "A line that ", "goes on.", "> quoted ", "> still", " > not quoted", "-- ", "Sarah"},
			"A line that goes on.\n> quoted still\n> not quoted\n-- \nSarah\n", false,
		},
		"flowed, delsp":  {[]string{"Content-Type: text/plain; format=Flowed; delsp=yes", "", "Wort ", "teil"}, "Wortteil\n", false},
		"nested":         {[]string{`Content-Type: multipart/mixed; boundary="o"`, "", "preamble", "--o", "Content-Type: multipart/related; boundary=r", "", "--r", "Content-Type: multipart/alternative; boundary=i", "", "--i", "Content-Type: text/plain", "", "inner", "--i", "Content-Type: text/html", "", "<p>no</p>", "--i--", "--r--", "--o--"}, "inner", false},
		"never closed":   {[]string{"Content-Type: multipart/alternative; boundary=b", "", "--b", "Content-Type: text/plain", "", "kept"}, "kept", true},
		"no boundary":    {[]string{"Content-Type: multipart/mixed", "", "still here"}, "still here", true},
		"odd type":       {[]string{"Content-Type: ;;", "", "still here"}, "still here", true},
		"odd header":     {[]string{"this is no field", " nor this", "Content-Type: text/plain", "", "still here"}, "still here", true},
		"header alone":   {[]string{"Subject: x"}, "", false},
		"html alone":     {[]string{"Content-Type: text/html; charset=iso-8859-1", "", "<style>p{}</style><p>Gr\xfc\xdfe&nbsp;&amp;<br>mehr</p><div>On Fri, 6 Nov 2026 North wrote:</div><blockquote>one<blockquote>two</blockquote></blockquote>"}, "Grüße &\nmehr\n\nOn Fri, 6 Nov 2026 North wrote:\n> one\n> > two", false},
		"html, text bad": {[]string{"Content-Type: multipart/alternative; boundary=b", "", "--b", "", " ", "--b", "Content-Type: text/html", "", "<b>Yes</b>, <i>please</i><hr>From", "--b--"}, "Yes, please\n________________________________\nFrom", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := wire(tc.lines...)
			if diff := cmp.Diff(tc.want, m.Text); diff != "" || m.Damaged != tc.damaged {
				t.Errorf("damaged: %t (-want +got):\n%s", m.Damaged, diff)
			}
			if m.From != "s@example.org" || m.MessageID != "m@x" || m.Kind != mail.KindPerson {
				t.Errorf("lost who wrote: %+v", m)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	null := ""
	for name, tc := range map[string]struct {
		header   string
		envelope mail.Envelope
		want     mail.Mail
	}{
		"encoded words": {
			"From: =?koi8-r?B?9sXO0Q==?= <Z@example.org>\nTo: =?utf-8?Q?K=C3=A4,_x?= <a@in.example>, b@in.example\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?= =?shift_jis?B?gs2CogA=?=",
			mail.Envelope{},
			mail.Mail{From: "z@example.org", To: []string{"a@in.example", "b@in.example"}, Subject: "Grüßeはい", Kind: mail.KindPerson},
		},
		"odd words":       {"From: a@b.example\nSubject: =?x?Q?a?= =?utf-8?B?!!?=", mail.Envelope{}, mail.Mail{From: "a@b.example", Subject: "a =?utf-8?B?!!?=", Kind: mail.KindPerson}},
		"bytes":           {"From: a@b.example\nSubject: Gr\xfc\xdfe", mail.Envelope{}, mail.Mail{From: "a@b.example", Subject: "Grüße", Kind: mail.KindPerson}},
		"no quotes":       {"From: Okafor, Sarah <S@b.example>\nReferences: <1@x>\n\t<2@x> <3", mail.Envelope{}, mail.Mail{From: "s@b.example", References: []string{"1@x", "2@x"}, Kind: mail.KindPerson}},
		"envelope":        {"From: a@b.example\nTo: x@y.example", mail.Envelope{From: new("c@b.example"), To: []string{"Reply+1@in.example"}}, mail.Mail{From: "a@b.example", To: []string{"reply+1@in.example"}, Kind: mail.KindPerson}},
		"envelope's from": {"Subject: x", mail.Envelope{From: new("c@b.example")}, mail.Mail{From: "c@b.example", Subject: "x", Kind: mail.KindPerson}},
		"nobody":          {"From:\nSubject: x", mail.Envelope{From: &null}, mail.Mail{Subject: "x", Kind: mail.KindAutomatic}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := mail.Compose(&mail.Taken{Header: tc.header}, tc.envelope)
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	cv := base64.StdEncoding.EncodeToString(make([]byte, 3000))
	m := wire("Content-Type: multipart/mixed; boundary=b", "", "--b", "", "See my CV.", "--b", "Content-Type: application/pdf; name=x",
		"Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9.pdf", "Content-Transfer-Encoding: base64", "", cv,
		"--b", "Content-Type: image/png", "Content-ID: <1>", "", "abc", "--b", "Content-Disposition: attachment", "", "no name",
		"--b", "Content-Type: text/calendar; method=REPLY", "", "BEGIN", "--b--")
	want := []mail.Attachment{
		{Name: "Résumé.pdf", Size: 3000, Type: "application/pdf"},
		{Size: 3, Type: "image/png"},
		{Name: "attachment", Size: 7, Type: "text/plain"},
		{Size: 5, Type: "text/calendar"},
	}
	if diff := cmp.Diff(want, m.Attachments); diff != "" || m.Text != "See my CV." || m.Damaged {
		t.Errorf("%q, damaged: %t (-want +got):\n%s", m.Text, m.Damaged, diff)
	}
	large := wire("Content-Type: application/zip; name=a.zip", "", strings.Repeat("x", mail.MaxPart+10))
	if diff := cmp.Diff([]mail.Attachment{{Name: "a.zip", Size: mail.MaxPart + 10, Type: "application/zip"}}, large.Attachments); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// However a mail is broken, it is read, and what is read can be stored.
func FuzzCompose(f *testing.F) {
	f.Add([]byte("From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x<blockquote>y"), "On 6 Nov 2026 x wrote:\n> y")
	f.Add([]byte("Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1"), "")
	f.Add([]byte("Content-Type: text/plain; format=flowed; charset=shift_jis\n\n> \n>"), "From: x\nSent: y\nTo: z")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		m := mail.Compose(&mail.Taken{Raw: raw}, mail.Envelope{})
		for _, s := range []string{m.From, m.Subject, m.Text} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("%q cannot be stored", s)
			}
		}
		if (m.Kind == mail.KindBounce) != (m.Bounce != nil) {
			t.Errorf("%s with %v", m.Kind, m.Bounce)
		}
		if len(mail.Reply(text)) > 3*len(text) {
			t.Errorf("more is new than was written")
		}
	})
}

package mail_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/mail"
)

func TestReply(t *testing.T) {
	t.Parallel()
	const outlook = "\n\nThank you for applying."
	for name, tc := range map[string]struct{ text, want string }{
		"nothing quoted":              {"Yes, gladly.\r\n\r\nSarah\r\n", "Yes, gladly.\n\nSarah"},
		"nothing at all":              {" \n", ""},
		"only a quotation":            {"On Fri, 6 Nov 2026 at 10:00, North wrote:\n> Hello\n", ""},
		"Gmail":                       {"Yes.\n\nOn Fri, 6 Nov 2026 at 10:00, North <careers@north.example> wrote:\n\n> Hello\n>\n> Bye\n", "Yes."},
		"Gmail, broken in two":        {"Yes.\n\nOn Fri, 6 Nov 2026 at 10:00, North Trust Careers Team\n<reply+msg_1@in.example> wrote:\n> Hello", "Yes."},
		"Gmail, broken in three":      {"Yes.\n\nOn Fri, Nov 6, 2026 at 10:00 AM North\nTrust Careers <\nreply+msg_1@in.example> wrote:\n\n> Hello", "Yes."},
		"Gmail, blanks of its own":    {"Yes.\n\nOn Fri, Nov 6, 2026 at 10:00\u202fAM North <c@north.example> wrote:\n> Hello", "Yes."},
		"Apple Mail":                  {"Yes.\n\n> On 6 Nov 2026, at 10:00, North <c@n.example> wrote:\n> \n> Hello", "Yes."},
		"Apple Mail, not marked":      {"Yes.\nOn 6 Nov 2026, at 10:00, North <c@n.example> wrote:\n\nHello\nBye", "Yes."},
		"Thunderbird":                 {"Yes.\n\nOn 06/11/2026 10:00, North wrote:\n> Hello\n>> Older", "Yes."},
		"answers in between":          {"On 06/11/2026 10:00, North wrote:\n> Can you start in May?\nYes.\n> Nights too?\nNo nights, please.\n", "Yes.\nNo nights, please."},
		"answer below":                {"On 06/11/2026 10:00, North wrote:\n> Can you start?\n\nYes, in May.", "Yes, in May."},
		"German, Gmail":               {"Gerne.\n\nAm Fr., 6. Nov. 2026 um 10:00 Uhr schrieb North <c@n.example>:\n\n> Hallo", "Gerne."},
		"German, Thunderbird":         {"Gerne.\n\nAm 06.11.26 um 10:00 schrieb North:\n> Hallo", "Gerne."},
		"German, Apple":               {"Gerne.\n\nAm 06.11.2026 um 10:00 schrieb North Trust\n<c@n.example>:\n\nHallo", "Gerne."},
		"German, name first":          {"Gerne.\n\nNorth <c@n.example> schrieb am Fr., 6. Nov. 2026, 10:00:\n\n> Hallo", "Gerne."},
		"French, Gmail":               {"Oui.\n\nLe ven. 6 nov. 2026 à 10:00, North <c@n.example> a écrit :\n\n> Bonjour", "Oui."},
		"French, Apple":               {"Oui.\n\nLe 6 nov. 2026 à 10:00, North <c@n.example> a écrit :\n\nBonjour", "Oui."},
		"French, broken":              {"Oui.\n\nLe vendredi 6 novembre 2026 à 10:00, North Trust <c@n.example> a\nécrit :\n> Bonjour", "Oui."},
		"Spanish, Gmail":              {"Sí.\n\nEl vie, 6 nov 2026 a las 10:00, North (<c@n.example>) escribió:\n\n> Hola", "Sí."},
		"Spanish, Apple":              {"Sí.\n\nEl 6 nov 2026, a las 10:00, North <c@n.example> escribió:\n\nHola", "Sí."},
		"Dutch, Gmail":                {"Ja.\n\nOp vr 6 nov 2026 om 10:00 schreef North <c@n.example>:\n\n> Hallo", "Ja."},
		"Dutch, Apple":                {"Ja.\n\nOp 6 nov. 2026, om 10:00 heeft North <c@n.example> het volgende geschreven:\n\nHallo", "Ja."},
		"Outlook":                     {"Yes.\n\nFrom: North <c@n.example>\nSent: Friday, November 6, 2026 10:00 AM\nTo: Sarah <s@example.org>\nSubject: Thank you" + outlook, "Yes."},
		"Outlook, a rule above":       {"Yes.\n\n________________________________\nFrom: North <c@n.example>\nSent: Friday, November 6, 2026 10:00 AM\nTo: Sarah\nSubject: Thank you" + outlook, "Yes."},
		"Outlook, stars":              {"Yes.\n\n*From:* North <c@n.example>\n*Sent:* Friday\n*To:* Sarah\n*Subject:* Thank you" + outlook, "Yes."},
		"Outlook, German":             {"Gerne.\n\nVon: North <c@n.example>\nGesendet: Freitag, 6. November 2026 10:00\nAn: Sarah\nBetreff: Danke" + outlook, "Gerne."},
		"Outlook, French":             {"Oui.\n\nDe : North <c@n.example>\nEnvoyé : vendredi 6 novembre 2026 10:00\nÀ : Sarah\nObjet : Merci" + outlook, "Oui."},
		"Outlook, Spanish":            {"Sí.\n\nDe: North <c@n.example>\nEnviado el: viernes, 6 de noviembre de 2026 10:00\nPara: Sarah\nAsunto: Gracias" + outlook, "Sí."},
		"Outlook, Dutch":              {"Ja.\n\nVan: North <c@n.example>\nVerzonden: vrijdag 6 november 2026 10:00\nAan: Sarah\nOnderwerp: Bedankt" + outlook, "Ja."},
		"original message":            {"Yes.\n\n-----Original Message-----\nHello", "Yes."},
		"original message, German":    {"Gerne.\n\n-------- Ursprüngliche Nachricht --------\nHallo", "Gerne."},
		"original message, French":    {"Oui.\n\n-------- Message d'origine --------\nBonjour", "Oui."},
		"original message, Spanish":   {"Sí.\n\n-------- Mensaje original --------\nHola", "Sí."},
		"original message, Dutch":     {"Ja.\n\n-------- Oorspronkelijk bericht --------\nHallo", "Ja."},
		"signature":                   {"Yes.\n\n-- \nSarah Okafor\n07700 900123", "Yes."},
		"signature above a quotation": {"Yes.\n-- \nSarah\n\nOn 06/11/2026 10:00, North wrote:\n> Hello", "Yes."},
		"phone":                       {"Yes.\n\nSent from my iPhone", "Yes."},
		"phone above a quotation":     {"Yes.\n\nSent from my iPhone\n\n> On 6 Nov 2026, at 10:00, North <c@n.example> wrote:\n> Hello", "Yes."},
		"Outlook for iOS":             {"Yes.\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: North <c@n.example>\nSent: Friday\nTo: Sarah\nSubject: x" + outlook, "Yes."},
		"phone, German":               {"Gerne.\n\nVon meinem iPhone gesendet", "Gerne."},
		"phone, German, long":         {"Gerne.\n\nDiese Nachricht wurde von meinem Android-Mobiltelefon mit WEB.DE Mail gesendet.", "Gerne."},
		"phone, French":               {"Oui.\n\nEnvoyé de mon iPhone", "Oui."},
		"phone, Spanish":              {"Sí.\n\nEnviado desde mi iPhone", "Sí."},
		"phone, Dutch":                {"Ja.\n\nVerstuurd vanaf mijn iPhone", "Ja."},
		"wrote, of a person":          {"On Monday she wrote:\nno news yet.", "On Monday she wrote:\nno news yet."},
		"from, of a person":           {"From: May I can start.\nTo: be sure, call me.", "From: May I can start.\nTo: be sure, call me."},
		"sent from, of a person":      {"Sent from my phone yesterday: my CV.\nIt has two pages.\nPlease read it.\nSarah", "Sent from my phone yesterday: my CV.\nIt has two pages.\nPlease read it.\nSarah"},
		"a date of a person":          {"On 6 May I can start.\nBest, Sarah", "On 6 May I can start.\nBest, Sarah"},
		"many blank lines":            {"Yes.\n\n\n\n\nSarah", "Yes.\n\nSarah"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, mail.Reply(tc.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, mail.Reply(strings.ReplaceAll(tc.text, "\n", "\r\n"))); diff != "" {
				t.Errorf("as it is on the wire (-want +got):\n%s", diff)
			}
		})
	}
}

// A mail that is HTML alone is cut as one with a text part is.
func TestReplyInHTML(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"Gmail":   `<div dir="ltr">Yes, <b>please</b>.</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Fri, 6 Nov 2026 at 10:00, North &lt;<a href="mailto:c@n.example">c@n.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote"><p>Hello</p><p>Bye</p></blockquote></div>`,
		"Outlook": `<html><head><style>p{margin:0}</style></head><body><p>Yes, <b>please</b>.<o:p></o:p></p><hr><div id="divRplyFwdMsg"><b>From:</b> North<br><b>Sent:</b> Friday<br><b>To:</b> Sarah<br><b>Subject:</b> Thank you</div><p>Hello</p></body></html>`,
		"phone":   "<div>Yes, please.</div><div><br></div><div id=\"ms-outlook-mobile-signature\">Sent from my\n iPhone</div>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mail.Reply(wire("Content-Type: text/html", "", source).Text); got != "Yes, please." {
				t.Errorf("got %q", got)
			}
		})
	}
}

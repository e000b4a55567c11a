package provider_test

import (
	"testing"

	"github.com/rapport-crm/rapport/activities/provider"
)

func TestMailRefusal(t *testing.T) {
	t.Parallel()
	for language, texts := range map[string][]string{
		"en": {
			"Please remove me from your mailing list.\n\nKind regards,\nSarah", "Hi,\n\nplease stop emailing me.", "Unsubscribe", "Hello North,\n\nunsubscribe\n\nSarah", "STOP",
			"Take me off your e-mail list please", "Please delete my email address from your database", "No more emails please", "Stop sending me emails!",
			"I no longer wish to receive emails", "I do not wish to be contacted again.", "Don't email me again", "I would like to be removed from your talent pool.",
			"I have a new job now. Could you please remove me from your list? Thanks!\r\n\r\nSarah", "Please delete my data", "please remove my details from your system",
			"I'd like to be taken off the mailing list", "Stop texting me", "Please do not send me any more emails", "I ask that you delete my data",
		},
		"de": {
			"Bitte löschen Sie meine E-Mail-Adresse.", "Bitte keine weiteren E-Mails.", "Bitte keine E-Mails mehr\n\nViele Grüße\nSarah", "Ich möchte keine E-Mails mehr erhalten.",
			"Guten Tag,\n\nbitte entfernen Sie mich aus Ihrem Verteiler.", "Ich möchte nicht mehr kontaktiert werden.", "Bitte löschen Sie meine Daten.", "Abmelden", "Mailen Sie mir nicht mehr", "Bitte nehmen Sie mich aus dem Verteiler.",
			"Ich möchte mich abmelden",
		},
		"fr": {
			"Veuillez me retirer de votre liste de diffusion.", "Merci de ne plus me contacter.", "Je ne souhaite plus recevoir vos e-mails.", "Bonjour,\n\nje ne souhaite plus être contactée.\n\nCordialement",
			"Supprimez mes données", "Désinscription", "Merci de me désinscrire", "Arrêtez de m'envoyer des mails", "Veuillez supprimer mes données personnelles de votre base de données.", "Désabonnez-moi",
		},
		"es": {
			"Quiero darme de baja", "No quiero recibir más correos", "Por favor, eliminen mis datos.", "Buenos días,\n\nno me envíen más correos.", "Elimínenme de su lista", "Baja",
			"Ya no deseo ser contactada", "Solicito la baja de su lista", "Borren mi correo electrónico", "Dejen de enviarme correos",
		},
		"nl": {
			"Graag mij uitschrijven", "Verwijder mij uit uw mailinglijst", "Ik wil geen e-mails meer ontvangen", "Kunt u mijn gegevens verwijderen?", "Stuur mij geen mails meer", "Beste,\n\nschrijf mij uit van jullie lijst.",
			"Ik wil niet meer benaderd worden.", "Geen mails meer aub", "Afmelden", "Verwijder mijn e-mailadres",
		},
	} {
		for _, text := range texts {
			if got := provider.MailRefusal(text); got != language {
				t.Errorf("%q asks to be removed in %q, not in %q", text, got, language)
			}
		}
	}
}

func TestMailRefusalIsNotSeenElsewhere(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "Yes, gladly.", "I am not interested in this role.", "Please email me", "Don't email me at work, use this address", "Please remove the night shifts from my profile",
		"Please don't send me roles before May", "If you have nothing in Leeds, remove me from your list", "I have not received any more emails from you", "Did you delete my application?",
		"How do I unsubscribe?", "My former employer asked to remove me from the rota", "Bitte schreiben Sie mir eine E-Mail", "Ich habe keine E-Mails mehr bekommen, ist etwas passiert?",
		"Haben Sie meine Daten?", "Pas de problème, envoyez-moi un mail", "Envíenme un correo", "Mail mij gerust", "Ik heb mijn gegevens aangepast", "Please update my email address", "Kein Interesse an dieser Stelle",
	} {
		if got := provider.MailRefusal(text); got != "" {
			t.Errorf("%q asks to be removed, in %q", text, got)
		}
	}
}

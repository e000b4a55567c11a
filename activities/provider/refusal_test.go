package provider_test

import (
	"testing"

	"github.com/rapport-crm/rapport/activities/provider"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	for language, texts := range map[string][]string{
		"en": {
			"stop please", "Please stop.", "STOP IT", "ok stop", "No, stop!", "not interested, please stop", "Unsubscribe please",
			"please stop texting me", "Stop texting me!!", "Hi, could you please stop texting me?", "stop contacting me again", "Quit messaging me",
			"STOP SENDING ME MESSAGES", "please stop sending these texts", "stop all messages", "stop the texts please", "Don't text me again",
			"Don’t contact me anymore", "do not message me", "never text this number again", "no more texts", "No more messages please, thanks",
			"no further contact", "remove me", "Please remove me from your list", "take me off your list", "take me off this mailing list please",
			"Delete my number", "remove my phone number from your database", "unsubscribe me", "opt me out", "Please opt-out",
			"I want to unsubscribe", "I would like to be removed from your list", "I'd like to opt out", "I don't want any more texts",
			"I do not want to receive these messages anymore", "Leave me alone", "lose my number",
			"Thanks for the offer. I have a new job. Please stop texting me", "I'm not interested and please stop texting me",
			"I found something else - please remove me from your list. Good luck!",
		},
		"de": {
			"Bitte keine weiteren Nachrichten", "keine SMS mehr bitte", "Schreiben Sie mir nicht mehr", "Bitte schreibt mir nicht mehr!",
			"Kontaktieren Sie mich nicht mehr", "Senden Sie mir bitte keine SMS mehr", "Hören Sie auf, mir zu schreiben", "Hören Sie bitte auf mir zu schreiben",
			"Löschen Sie meine Nummer", "Bitte nehmen Sie mich von der Liste", "Ich möchte keine Nachrichten mehr erhalten", "lasst mich in Ruhe", "bitte abmelden",
			"Kein Interesse, bitte keine weiteren Nachrichten.", "Stopp bitte",
		},
		"fr": {
			"Arrêtez de m'écrire", "arrêtez de m’envoyer des SMS s'il vous plaît", "Ne m'écrivez plus", "ne me contactez plus merci", "plus de SMS svp",
			"Je ne veux plus recevoir vos messages", "je ne souhaite plus être contacté", "Désabonnez-moi", "Retirez-moi de votre liste",
			"Supprimez mon numéro de votre liste", "laissez-moi tranquille", "Désinscription", "arrêtez svp",
		},
		"es": {
			"Deje de escribirme", "dejen de enviarme mensajes por favor", "No me escriban más", "no me envíen más mensajes", "no más SMS", "No quiero más mensajes",
			"Quiero darme de baja", "BAJA por favor", "Elimínenme de su lista", "borren mi número", "déjenme en paz", "No me interesa, no me contacten más",
		},
		"nl": {
			"Stop met smsen", "stop alsjeblieft met berichten sturen", "Stuur mij geen berichten meer", "geen berichten meer aub", "Ik wil geen sms'jes meer ontvangen",
			"Verwijder mij uit uw lijst", "verwijder mijn nummer", "haal me van de lijst", "schrijf mij uit", "laat me met rust", "Sms mij niet meer", "afmelden graag",
		},
	} {
		for _, text := range texts {
			if got := provider.Refusal(text); got != language {
				t.Errorf("%q is a refusal in %q, not in %q", text, got, language)
			}
		}
	}
}

func TestRefusalIsNotSeenElsewhere(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "…", "Yes please", "no", "No thanks", "not interested", "Kein Interesse", "wrong number",
		"I can't stop thinking about the role", "I could not stop smiling after your message", "Don't stop texting me!", "please don't stop",
		"Never stop sending these", "I will stop by on Monday", "Please stop by the office", "Which bus stop is it?", "Is the stop near the hospital?",
		"stop at reception?", "The messages stop after a while", "My contract ends in May, can we stop the process until then?",
		"Please don't text me before 9am", "please do not text me at work, email is fine", "Don't call me, text me", "stop texting me if you have no night shifts",
		"If I don't answer, stop texting me", "Please stop texting me until Friday", "Why did you stop texting me?", "Did you stop texting me?",
		"no more questions", "No more shifts for me this week", "I have no more messages from you, is that right?", "I want no more than 20 hours",
		"Can you remove me from the Friday interview?", "Remove my old CV please", "please delete my old address", "Take me off the night rota",
		"cancel my interview please", "please cancel", "I'd like to cancel Thursday", "I quit my job last week", "I want to end my contract in June", "the end",
		"Opt out of the pension scheme - how?", "I told my employer to stop texting me all the time and I am free now to talk", "My wife says: stop texting me at dinner, ha",
		"Leave me a message", "leave me alone with the form for ten minutes", "I need to be removed from theatre 3, can we talk tomorrow?",
		"Kann ich Ihnen morgen schreiben?", "Ich habe keine Nachrichten bekommen", "Bitte nicht vor 9 Uhr schreiben", "Ich möchte keine Nachtschichten mehr",
		"Ich muss mich für morgen abmelden, bin krank", "Wo hört die Schicht auf?", "Schreiben Sie mir bitte", "keine Zeit mehr heute",
		"Je ne peux plus venir demain", "Je n'ai plus de messages de vous", "Arrêt de bus ?", "Ne me contactez plus avant lundi", "Je ne veux plus travailler la nuit",
		"No puedo dejar de pensar en el puesto", "No me escriban más hasta el lunes", "No quiero más turnos de noche", "Me di de baja por enfermedad", "Para de llover y voy",
		"Ik kan niet stoppen met denken aan de baan", "Welke halte is het, stop A?", "Stuur mij geen berichten meer voor 9 uur", "Ik wil geen nachtdienst meer", "Ik ben geen verpleegkundige meer",
		"Stop. Start again: what is the salary?", "Thanks for the stop sign joke", "nonstop", "I'm unstoppable",
	} {
		if got := provider.Refusal(text); got != "" {
			t.Errorf("%q was taken for a refusal in %q", text, got)
		}
	}
}

package dsl

import "github.com/rapport-crm/rapport/crm"

// recordKeys are the keys of what the workspace says for the record of processing.
func recordKeys(p place) []key {
	switch p {
	case placeController:
		return []key{
			k("name", a(formText), "Who decides about the data: the legal name (GDPR Art. 30(1)(a))."),
			k("address", a(formText), "Their postal address."),
			k("email", a(formAddress), "Where they are reached."),
			k("country", a(formCountry), "Where they are established: what leaves it is a transfer."),
			k("joint", a(formText), "Who decides together with them, if anybody does: name and address."),
			k("representative", a(formText), "Their representative in the Union, if they need one: name and address."),
			k("dpo", a(formText), "The data protection officer, if there is one: name and address."),
			k("transactional", a(formText), "The legal basis of what is about applications and interviews; GDPR Art. 6(1)(b), steps before a contract, without it."),
			k("measures", some(listOf(a(formText))), "What protects the data beside what Rapport does: disks, backups, the network."),
		}
	case placeField:
		words := make([]string, 0, len(crm.Categories()))
		for _, c := range crm.Categories() {
			words = append(words, string(c))
		}
		return []key{
			needed(k("category", oneOf(words...), "What kind of data it is; special is that of GDPR Art. 9 and 10.")),
			needed(k("purpose", nameOf("purpose"), "What it is for: a purpose, or transactional.")),
			k("note", a(formText), "What it says, for people."),
		}
	case placeRecipient:
		return []key{
			k("name", a(formText), "Who it is: the legal name."),
			k("for", a(formText), "What they do with the data."),
			k("country", a(formCountry), "Where they process it."),
			k("safeguard", a(formText), "What protects data that leave for there (GDPR Art. 44 to 49), such as an adequacy decision."),
		}
	}
	return nil
}

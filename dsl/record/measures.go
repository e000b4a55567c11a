package record

// measures are what Rapport itself does to protect data (GDPR Art. 32). What runs around it (disks, backups, the network) it cannot know: that
// stands under controller.measures of the workspace.
func measures() []string {
	return []string{
		"Access: API keys are kept as hashes, each with the scopes of its role; it can be revoked, and its last use is known.",
		"Accountability: every read of a candidate's record by a key, and every change of definitions, consents, holds and erasures, is in an audit log that is hash-chained, with signed checkpoints beside the database.",
		"Candidates' links are signed, for one purpose, and expire; webhooks of providers are taken only with a valid signature.",
		"Minimisation: the histories of workflows hold ids, decisions and times, no personal data; bodies of messages are not kept; no files are kept: of what comes with a reply only name, size and type are noted; opens are not noticed unless the workspace says so.",
		"Pseudonymisation: suppressions and what recognises an erased person are keyed hashes.",
		"Secrets: credentials of calendars, and what is left to erase elsewhere, are sealed.",
		"Integrity: what a step decides is one transaction; a message is sent at most once; consent, suppression, restriction and caps are looked at when it is sent, not when it was planned.",
		"Containment: steps reach only hosts that the operator allows, and never private addresses; texts can show only the facts of the one they are sent to.",
		"Erasure: one transaction, refused under a legal hold, with a signed receipt; a restored backup is erased again before anything is sent.",
		"Keeping: retention policies run daily, tell candidates first where they say so, and stop and ask when they would take more than their guard allows.",
		"Rights: access, portability, rectification, restriction, objection and erasure can be asked for on a page or by staff, and are tracked by their deadlines.",
	}
}

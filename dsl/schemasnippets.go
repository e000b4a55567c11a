package dsl

import "encoding/json"

// snippet is a beginning that editors offer. Its body is JSON, with the places to fill in as ${1:word}.
type snippet struct {
	label, doc, body string
}

// snippetList returns the snippets of a place as yaml-language-server takes them.
func snippetList(p place) []any {
	snippets := append(kindSnippets(p), stepSnippets(p)...)
	all := make([]any, 0, len(snippets))
	for _, s := range snippets {
		all = append(all, jsonObject{{"label", s.label}, {"description", s.doc}, {"body", json.RawMessage(s.body)}})
	}
	return all
}

func kindSnippets(p place) []snippet {
	if p != placeDocument {
		return nil
	}
	return []snippet{
		{"sequence", "Messages, waits and tasks for a candidate, in order.", `{
			"sequence": "${1:welcome-back}", "description": "${2:What it is for.}", "purpose": "${3:talent-community}",
			"enroll": {"on": "${4:event.attended}"}, "steps": [{"id": "${5:hello}", "email": "${6:hello}"}]}`},
		{"message", "An email, in Markdown with variables.", `{
			"message": "${1:hello}", "channel": "email", "subject": "${2:Hello}",
			"body": "${3:Hi {{ candidate.first_name | default: \"there\" \\}\\},}"}`},
		{"message by sms", "A text message.", `{"message": "${1:hello-sms}", "channel": "sms", "body": "${2:Hello.}"}`},
		{"pool", "A talent pool that follows a condition.", `{
			"pool": "${1:nurses}", "description": "${2:Whom it holds.}", "when": "${3:\"nursing\" in candidate.functions}"}`},
		{"pool by hand", "A talent pool that people and steps keep.", `{"pool": "${1:open-evening}", "members": "by hand"}`},
		{"survey", "A page of questions.", `{
			"survey": "${1:post-interview}", "intro": "${2:How was it?}",
			"questions": [{"id": "${3:nps}", "ask": "${4:Would you recommend us?}", "kind": "nps"}]}`},
		{"interview", "A scheduling loop of one or more rounds.", `{
			"interview": "${1:onsite}", "purpose": "transactional",
			"enroll": {"on": "application.stage_changed", "when": "${2:event.data.stage == \"interview\"}"},
			"rounds": [{"id": "${3:screen}", "duration": "30m", "interviewers": {"any": 1, "of": "${4:recruiters}"},
				"offer": {"slots": 6, "notice": "1bd", "within": "7bd"}, "medium": "video"}],
			"invite": {"email": "${5:pick-a-time}"}}`},
		{"retention", "How long data are kept.", `{
			"retention": "${1:unsuccessful}", "basis": "${2:GDPR Art. 5(1)(e)}", "daily": {"at": "03:00", "zone": "${3:Europe/London}"},
			"applies_to": "${4:candidate.status == \"rejected\"}", "keep": {"for": "${5:6mo}", "after": "candidate.last_decision_at"},
			"then": "anonymize", "guard": {"max_share": "5%"}}`},
		{"workspace", "What holds for everything; there is one.", `{
			"workspace": "${1:north-trust}", "calendar": {"days": "mon-fri", "hours": "09:00-17:30", "zone": "${2:Europe/London}"},
			"purposes": {"talent-community": {"basis": "consent"}}}`},
		{"test", "What a sequence must do for a scripted candidate.", `{
			"test": "${1:what must be true}", "of": "${2:welcome-back}", "start": "${3:2026-10-23T10:00:00+01:00}",
			"candidate": {"first_name": "Sarah"}, "script": [{"on": "${4:event.attended}"}],
			"expect": [{"email": "${5:hello}", "at": "${6:2026-10-23T10:00}"}]}`},
	}
}

func stepSnippets(p place) []snippet {
	if p != placeStep {
		return nil
	}
	return []snippet{
		{"email", "Send an email.", `{"id": "${1:hello}", "email": "${2:message-name}"}`},
		{"sms", "Send a text message.", `{"id": "${1:text}", "sms": "${2:message-name}"}`},
		{"task", "Ask a person to do something.", `{"id": "${1:call}", "task": {"title": "${2:Call the candidate}", "assign": "owner", "via": "phone", "due": "2bd"}}`},
		{"wait", "Let time pass.", `{"wait": "${1:3d}"}`},
		{"wait until", "Wait for a time of day.", `{"wait": {"until": "${1:09:00}", "on": "${2:mon}"}}`},
		{"wait_for", "Go on with the first of several matches, or after the timeout.", `{
			"id": "${1:heard}", "wait_for": {"${2:replied}": {"on": "${3:message.replied}"}, "timeout": "${4:14d}"},
			"then": {"${2:replied}": [{"exit": "${5:replied}"}]}}`},
		{"choose", "Take the first alternative whose condition is true.", `{
			"choose": [{"if": "${1:has(candidate.phone)}", "do": [{"wait": "1d"}]}, {"else": [{"wait": "${2:3d}"}]}]}`},
		{"repeat", "Do steps again and again.", `{
			"id": "${1:quarterly}", "repeat": {"every": "${2:3mo}", "times": 4}, "do": [{"id": "${3:letter}", "email": ["${4:message-name}"]}]}`},
		{"experiment", "Split candidates over arms.", `{
			"id": "${1:subject}", "experiment": {
				"arms": {"a": {"do": [{"wait": "1d"}]}, "b": {"do": [{"wait": "2d"}]}},
				"measure": {"on": "message.clicked", "within": "${2:14d}"}}}`},
		{"update", "Change the candidate.", `{"update": {"tag": ["${1:met}"]}}`},
		{"survey", "Ask the candidate to answer a survey.", `{"id": "${1:ask}", "survey": {"use": "${2:post-interview}"}}`},
		{"exit", "End the run.", `{"exit": "${1:done}"}`},
	}
}

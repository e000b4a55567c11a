package crm

import (
	"slices"
	"strings"
)

// Category is a kind of personal data, as a record of processing names it (GDPR Art. 30(1)(c)).
type Category string

// The categories. Special is that of GDPR Art. 9 and 10: health, ethnic origin, religion, union membership, criminal records. Nothing that
// Rapport holds by itself is of it; fields of an installation's own may be.
const (
	CategoryIdentity      Category = "identity"
	CategoryContact       Category = "contact"
	CategoryLocation      Category = "location"
	CategoryProfessional  Category = "professional"
	CategoryApplication   Category = "application"
	CategoryAssessment    Category = "assessment"
	CategoryCommunication Category = "communication"
	CategoryBehaviour     Category = "behaviour"
	CategoryPreference    Category = "preference"
	CategoryTechnical     Category = "technical"
	CategorySpecial       Category = "special"
)

// Categories lists the categories in the order in which a record names them.
func Categories() []Category {
	return []Category{
		CategoryIdentity, CategoryContact, CategoryLocation, CategoryProfessional, CategoryApplication, CategoryAssessment,
		CategoryCommunication, CategoryBehaviour, CategoryPreference, CategoryTechnical, CategorySpecial,
	}
}

// Whose data something is.
const (
	SubjectCandidates   = "candidates"
	SubjectInterviewers = "interviewers"
)

// Stored is some of what Rapport stores about people: columns of one table that are of one category and there for the same reason.
type Stored struct {
	Subject  string // SubjectCandidates or SubjectInterviewers
	Category Category
	Table    string
	Columns  []string
	What     string // in a few words, for people
	For      string // what it is there for
	From     string // where it comes from
}

// Catalogue lists all that Rapport stores about people. A test holds it against the tables, so that a new column cannot be
// forgotten.
func Catalogue() []Stored {
	return slices.Concat(catalogueOfCandidates(), catalogueOfContact(), catalogueOfRuns(), catalogueOfRights(), catalogueOfInterviewers())
}

// CategoryOf returns the category of a field of candidates. Attributes have none of their own: the workspace says it of each.
func CategoryOf(field string) (Category, bool) {
	for _, s := range catalogueOfCandidates() {
		if s.Table == "candidates" && field != "attributes" && slices.Contains(s.Columns, field) {
			return s.Category, true
		}
	}
	if strings.HasSuffix(field, "applications") { // candidate.applications, candidate.open_applications
		return CategoryApplication, true
	}
	return "", false
}

// Sources of data.
const (
	fromIntake  = "the candidate, a careers page, the applicant tracking system or an import"
	fromATS     = "the applicant tracking system or an import"
	fromRapport = "made by Rapport"
	fromStaff   = "people who work with candidates"
)

// stored makes an entry about candidates; columns are separated by spaces.
func stored(category Category, table, columns, what, why, from string) Stored {
	return Stored{SubjectCandidates, category, table, strings.Fields(columns), what, why, from}
}

func catalogueOfCandidates() []Stored {
	return []Stored{
		stored(CategoryIdentity, "candidates", "id external_id first_name last_name", "Name, and the ids of the record", "to address people, and to know them again", fromIntake),
		stored(CategoryContact, "candidates", "email phone", "Email address and phone number", "to write to them", fromIntake),
		stored(CategoryLocation, "candidates", "country region city time_zone", "Country, region, city and time zone", "roles that are near, decent hours, and the rules of their country", fromIntake),
		stored(CategoryPreference, "candidates", "locale paused_until", "Language, and a pause they asked for", "to write in their language, and when they want it", "the candidate or an import"),
		stored(CategoryProfessional, "candidates", "seniority functions skills tags", "Functions, skills, seniority and tags", "to find roles that fit", fromIntake),
		stored(CategoryProfessional, "candidates", "attributes", "Further fields of this installation: see the declared fields", "as declared in the workspace", fromIntake),
		stored(CategoryApplication, "candidates", "status source owner last_decision_at", "Status, source, recruiter and the last decision", "to know where they stand, and how long data are kept", fromATS),
		stored(CategoryBehaviour, "candidates", "score scored_at last_activity_at last_contacted_at", "Engagement score, last activity and last contact", "to write less to those who are not interested, and to know how long data are kept", fromRapport),
		stored(CategoryTechnical, "candidates", "legal_hold restricted_at created_at updated_at position", "Hold, restriction, dates of the record", "to keep the rules about it", fromRapport),
		stored(CategoryIdentity, "aliases", "name candidate_id at", "Ids of records that were merged", "to know people again by an older id", fromRapport),
		stored(CategoryApplication, "applications", "id candidate_id external_id role role_function stage status reason source applied_at closed_at hiring_manager", "Applications: role, stage, status, reason, dates and hiring manager", "to tell applicants how it goes, and to plan interviews", fromATS),
		stored(CategoryProfessional, "pool_members", "pool candidate_id since", "Talent pools", "to reach those whom something concerns", fromRapport+", or people who work with candidates"),
		stored(CategoryAssessment, "notes", "id candidate_id kind text author source external_id at created_at", "Notes of calls, mails and meetings", "to remember what was said", fromStaff+", or the applicant tracking system"),
		stored(CategoryCommunication, "tasks", "id candidate_id enrollment_id definition step occurrence title assignee via due_at state outcome note closed_by created_at closed_at", "What people are asked to do about a candidate, and what came of it", "so that a person does what is theirs to do", fromRapport+", and answered by people"),
	}
}

func catalogueOfContact() []Stored {
	return []Stored{
		stored(CategoryContact, "contact_points", "candidate_id channel address address_hash", "Addresses and numbers, by channel", "to write to them, and to know whose answer it is", fromIntake),
		stored(CategoryPreference, "consents", "id candidate_id purpose channel granted source wording cause at pending confirmed_at confirmed_by address_hash", "Consents, with their wording, source and confirmation", "to prove who agreed to what (GDPR Art. 7(1))", "the candidate, a form, or an import"),
		stored(CategoryPreference, "suppressions", "address_hash channel reason source at push pushed_at", "Addresses that are not written to, as keyed hashes", "so that nobody is written to who does not want it, also after an erasure", "the candidate, or a provider that tells of a bounce or complaint"),
		stored(
			CategoryCommunication, "messages", `id candidate_id enrollment_id definition hash step occurrence channel purpose template template_hash priority state reason
			planned_at not_before not_after claimed_at lease_until attempts address subject provider provider_id accepted_at sender body_hash changed_at
			unknown_at unknown_reason lookup_at lookups resent_at recipient meeting_id calendar appointment`,
			"Messages: address, subject, when and by whom they were carried; bodies are not kept", "to send each once, and to show what was sent", fromRapport,
		),
		stored(CategoryBehaviour, "messages", "delivered_at opened_at clicked_at replied_at bounced_at complained_at", "What came of messages: delivered, clicked, answered, bounced", "to stop where nobody wants it, and to follow up where somebody does", "providers, and links in messages where that is allowed"),
		stored(CategoryCommunication, "message_evidence", "id message_id at source result said_by note", "What is known of messages whose fate was unclear", "so that nothing is sent twice", "providers, or people who work with candidates"),
		stored(CategoryBehaviour, "events", "id seq source external_id type subject candidate_id time received_at record_only data position dispatched_at set_aside", "What candidates did and what happened to them: visits, applications, replies, answers to surveys", "what sequences and interviews begin with and wait for", fromIntake+", and providers"),
	}
}

func catalogueOfRuns() []Stored {
	return []Stored{
		stored(
			CategoryTechnical, "enrollments", `id definition hash version candidate_id application_id n status paused outcome withdrawn started_at closed_at goal_at
			event_id position wake wake_seen wake_sent seq due awaits listens progress ending pool workflow_id unseen`,
			"Sequences and interviews that somebody is or was in, and where they stand", "to go on where it stopped, and nothing twice", fromRapport,
		),
		stored(CategoryTechnical, "decisions", "id candidate_id enrollment_id seq definition hash at command notes call", "What was decided automatically, by which rule and why", "to explain it", fromRapport),
		stored(CategoryProfessional, "calls", "enrollment_id seq outcome reason result at", "Answers of other systems about a candidate", "what a step of a sequence asked for", "the hosts that steps call"),
		stored(CategoryTechnical, "assignments", "enrollment_id step definition arm at measured_at", "Arms of experiments", "to write alike to the same person, and to measure which message helps", fromRapport),
		stored(CategoryAssessment, "meetings", "id enrollment_id round n state starts_at ends_at body", "Interviews: times, who holds them, what candidates need for them, scorecards", "to hold interviews, and to decide on them", "the candidate and interviewers"),
		stored(CategoryApplication, "meeting_seats", "meeting_id interviewer_id shadow during wanted written", "Who holds an interview, and when", "so that nobody is booked twice", fromRapport),
	}
}

func catalogueOfRights() []Stored {
	return []Stored{
		stored(CategoryTechnical, "privacy_requests", "id candidate_id kind state purpose wish source said_by received_at verified_at verified_by due_at extended_at extended_why closed_at closed_by ground answer reminded kept_until kept_by again_at told_at wake wake_sent", "Requests by people's rights, and what came of them", "to answer them in time (GDPR Art. 12(3))", "the candidate, or people who write it down"),
		stored(CategoryTechnical, "legal_holds", "id candidate_id why said_by until created_at lifted_at lifted_by application_id role condition", "Legal holds: on whom, why and until when", "to keep what a legal claim needs (GDPR Art. 17(3)(e))", fromStaff),
		stored(CategoryTechnical, "retention_acts", "policy day candidate_id not_before tries", "Who is next in a run of a retention policy", "to delete in time; empty when the run is over", fromRapport),
		stored(CategoryTechnical, "retention_notices", "message_id policy candidate_id until due", "Who was told that their data would go, and when", "so that nobody's data go unannounced", fromRapport),
		stored(CategoryTechnical, "audit_openings", "number part candidate_id name value salt", "What opens the audit log's commitments about a candidate", "to show who saw whom", fromRapport),
		stored(CategoryTechnical, "tombstones", "hash erasure_id kind", "Keyed hashes of ids and addresses of those who were erased", "so that an import does not bring them back", fromRapport),
		stored(CategoryTechnical, "erasure_jobs", "id erasure_id kind sealed passes attempts not_before give_up_at finished_at outcome", "What is left to delete elsewhere, sealed, for 14 days at most", "to delete it there too (GDPR Art. 19)", fromRapport),
	}
}

func catalogueOfInterviewers() []Stored {
	const fromThem = "the interviewer, or people who work with candidates"
	all := []Stored{
		stored(CategoryIdentity, "interviewers", "id email name locale meeting_url", "Name, address, language and meeting link", "to invite them, and to tell candidates whom they meet", fromThem),
		stored(CategoryProfessional, "interviewers", "zone hours skills groups daily_limit weekly_limit min_gap weight trainee active created_at updated_at", "Working hours, groups, skills and how many interviews they hold", "to find times, and to spread the load", fromThem),
		stored(CategoryProfessional, "interviewer_time_off", "interviewer_id starts_at ends_at", "When they are away, and nothing of why", "to find times", fromThem),
		stored(CategoryTechnical, "interviewer_calendars", "id interviewer_id kind address account sealed created_at state since last_ok busy_starts busy_ends busy_at busy_from busy_to", "Calendars, sealed credentials, and when they are busy", "to find times that are free", "their calendar"),
		stored(CategoryTechnical, "calendar_connections", "id interviewer_id kind expires_at", "Links by which they connect a calendar", "so that only they can", fromRapport),
		stored(CategoryTechnical, "calendar_consents", "state connection_id challenge expires_at", "Connections of calendars that are under way", "so that only they can", fromRapport),
		stored(CategoryTechnical, "interviewer_changes", "id interviewer_id at said_by what fields", "Who changed what about them: names of fields, no values", "to explain it", fromRapport),
	}
	for i := range all {
		all[i].Subject = SubjectInterviewers
	}
	return all
}

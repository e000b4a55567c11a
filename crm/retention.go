package crm

import "time"

// What a retention policy does to the data it takes.
const (
	RetentionAnonymize = "anonymize" // what tells who somebody is goes, what is counted stays
	RetentionErase     = "erase"
)

// RetentionCase is all that policies are held against: one candidate, as they are now. It is plain data, so the same case leads
// to the same verdict wherever it comes from.
type RetentionCase struct {
	Facts      Facts             // of no run: what conditions read. Enrollment, Events, Messages and Sends are not looked at
	Holds      []RetentionHold   // that are not lifted; those whose Until has passed may be among them
	Restricted bool              // they asked that their data be kept and not used, and that lasts (GDPR Art. 18). False while only a refused deletion restricts them
	Interviews []string          // names of interviews with an open run
	Said       []Event           // by which the candidate may have asked to stay: of types that policies extend on, in any order
	Notices    []RetentionNotice // that were sent, or tried, and those on their way; in any order
}

// RetentionHold is a legal hold as far as it concerns one candidate. While it lasts nothing of theirs is deleted.
type RetentionHold struct {
	Why   string    // for people
	Until time.Time // when it ends by itself; zero: when somebody lifts it
}

// RetentionNotice is what became of telling a candidate that a policy will take their data.
type RetentionNotice struct {
	Policy string
	Until  time.Time // the date it was about: Verdict.Until when it was planned
	Due    time.Time // the moment that it named to the candidate
	At     time.Time // when it was sent, or when it turned out that it cannot be; while it is planned, when that was
	State  NoticeState
}

// NoticeState is how far a notice has come.
type NoticeState string

// The states. A notice that was cancelled or expired before anybody tried to send it is no notice, and does not belong into a case.
const (
	NoticePlanned NoticeState = "planned" // handed to the sender, or its fate is unknown: nothing is taken before that is settled
	NoticeSent    NoticeState = "sent"
	// NoticeBounced is one that was sent and came back. It counts as sent: the candidate had their chance, and no law asks for
	// more than to try; keeping the data of whoever cannot be reached for ever would be the worse answer.
	NoticeBounced NoticeState = "bounced"
	// NoticeUnreachable is one that cannot be sent: there is no address, or it is suppressed. It counts from the attempt.
	NoticeUnreachable NoticeState = "unreachable"
)

// Reasons why data are kept.
const (
	KeptNoPolicy    = "no_policy"        // none of the policies that apply has an end
	KeptHold        = "legal_hold"       //
	KeptUnclear     = "unclear"          // what a policy counts from is not known
	KeptApplication = "open_application" //
	KeptInterview   = "interview"        // one is running
	KeptRestricted  = "restricted"       // the candidate asked that they be kept and not used (GDPR Art. 18)
	KeptMinimum     = "minimum"          // it ends after the maximum
	KeptExtended    = "extended"         // the candidate said that they want to stay
	KeptMaximum     = "maximum"          // it has not ended
	KeptNotice      = "notice"           // the candidate was not told, or not long enough ago
)

// KeptReasons lists why data are kept.
func KeptReasons() []string {
	return []string{
		KeptNoPolicy, KeptHold, KeptUnclear, KeptApplication, KeptInterview, KeptRestricted, KeptMinimum, KeptExtended, KeptMaximum, KeptNotice,
	}
}

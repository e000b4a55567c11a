package api

import (
	"maps"
	"slices"

	"github.com/rapport-crm/rapport/store"
)

// Roles of API keys: names for the scopes that a job takes. A key with a role may do what the role may in the release that runs, also
// after the role has learned something new.
const (
	RoleRecruiter = "recruiter" // works with candidates
	RoleOps       = "ops"       // writes and watches sequences and interviews, and the people who hold them
	RolePrivacy   = "privacy"   // the privacy officer: erases, and sees what is kept and who has seen it
	RoleAuditor   = "auditor"   // checks what was done, and sees no candidate
	RoleEngineer  = "engineer"  // connects systems; sees definitions and runs, and no words
)

// Roles lists every role.
func Roles() []string { return slices.Sorted(maps.Keys(rolesScopes())) }

// RoleScopes are the scopes of a role; none of one that does not exist.
func RoleScopes(role string) []string { return rolesScopes()[role] }

func rolesScopes() map[string][]string {
	return map[string][]string{
		RoleRecruiter: {
			ScopeCandidatesRead, ScopeCandidatesWrite, ScopeEnrollmentsRead, ScopeEnrollmentsWrite, ScopeNotesRead, ScopeNotesWrite,
			ScopeInterviewersRead, ScopeDefinitionsRead,
		},
		RoleOps: {
			ScopeDefinitionsRead, ScopeDefinitionsWrite, ScopeEnrollmentsRead, ScopeEnrollmentsWrite, ScopeInterviewersRead, ScopeInterviewersWrite,
			ScopeCandidatesRead,
		},
		RolePrivacy: {
			ScopePrivacyRead, ScopePrivacyWrite, ScopeAuditRead, ScopeCandidatesRead, ScopeCandidatesWrite, ScopeEventsRead, ScopeNotesRead,
			ScopeEnrollmentsRead, ScopeDefinitionsRead,
		},
		RoleAuditor:  {ScopeAuditRead, ScopePrivacyRead, ScopeDefinitionsRead},
		RoleEngineer: {ScopeEventsWrite, ScopeDefinitionsRead, ScopeDefinitionsWrite, ScopeEnrollmentsRead, ScopeInterviewersRead},
	}
}

// scopesOf are all scopes of a key: its own, and those of its roles.
func scopesOf(key *store.Key) []string {
	scopes := slices.Clone(key.Scopes)
	for _, role := range key.Roles {
		scopes = append(scopes, RoleScopes(role)...)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
